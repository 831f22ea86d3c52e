//! The convergence plot: how the cost of all frames falls with iterations and with seconds, stage after stage.

mod draw;
mod scale;

use std::ops::Range;

use super::{
    Plot, PlotError, csv_number, csv_text,
    stages::Stages,
    stats::{quantile, sorted_finite},
    ticks::Axis,
};

/// The traces of a fit; the stages stand in the order in which they ran.
pub(crate) struct ConvergenceSeries {
    pub stages: Vec<StageTrace>,
}

/// One trace per frame, or a single one for a joint solve.
pub(crate) struct StageTrace {
    pub name: String,
    pub problems: Vec<Vec<Point>>,
}

/// One accepted iteration; seconds count from the beginning of the stage.
#[derive(Clone, Copy)]
pub(crate) struct Point {
    pub iteration: u32,
    pub seconds: f64,
    pub cost: f64,
}

/// Two panels, against iterations and against seconds: the median over frames and a 5–95 % band, in which a frame
/// that has finished keeps its last cost.
pub(crate) fn plot(series: &ConvergenceSeries) -> Result<Plot, PlotError> {
    let panels = [
        Curves::new(series, "iterations", "iteration", Axis::counts, |point| {
            f64::from(point.iteration)
        }),
        Curves::new(series, "seconds", "time / s", Axis::linear, |point| {
            point.seconds
        }),
    ];
    let header = [
        "against",
        "stage",
        "x",
        "cost_p05",
        "cost_median",
        "cost_p95",
    ]
    .map(String::from)
    .to_vec();
    let rows = panels.iter().flat_map(Curves::csv_rows);
    let csv = csv_text(std::iter::once(header).chain(rows));
    Ok(Plot {
        svg: draw::draw(&panels)?,
        csv,
    })
}

const PLACES_PER_STAGE: usize = 400;

/// What one panel shows: per stage the band's rows, at places counted from the first stage's beginning.
struct Curves {
    against: &'static str,
    title: &'static str,
    x: Axis,
    stages: Stages,
    bands: Vec<Vec<Row>>,
}

struct Row {
    x: f64,
    low: f64,
    median: f64,
    high: f64,
}

impl Curves {
    fn new(
        series: &ConvergenceSeries,
        against: &'static str,
        title: &'static str,
        axis: fn(Range<f64>, usize) -> Axis,
        place: fn(&Point) -> f64,
    ) -> Self {
        let mut bands: Vec<Vec<Row>> = series
            .stages
            .iter()
            .map(|stage| band(&stage.problems, place))
            .collect();
        let lengths = bands
            .iter()
            .map(|band| band.last().map_or(0.0, |row| row.x));
        let names = series.stages.iter().map(|stage| stage.name.clone());
        let stages = Stages::new(names.zip(lengths));
        for (band, start) in bands.iter_mut().zip(&stages.starts) {
            band.iter_mut().for_each(|row| row.x += start);
        }
        let x = axis(stages.range(), 6);
        Self {
            against,
            title,
            x,
            stages,
            bands,
        }
    }

    fn csv_rows(&self) -> impl Iterator<Item = Vec<String>> {
        self.bands
            .iter()
            .zip(&self.stages.names)
            .flat_map(move |(band, name)| {
                band.iter().map(move |row| {
                    let numbers = [row.x, row.low, row.median, row.high].map(csv_number);
                    [self.against.to_string(), name.clone()]
                        .into_iter()
                        .chain(numbers)
                        .collect()
                })
            })
    }
}

/// Quantiles over the problems at every place where one of them made a step.
fn band(problems: &[Vec<Point>], place: fn(&Point) -> f64) -> Vec<Row> {
    let traces: Vec<Vec<(f64, f64)>> = problems.iter().map(|trace| clean(trace, place)).collect();
    let mut places = sorted_finite(traces.iter().flatten().map(|(x, _)| *x));
    places.dedup();
    let at = |x: f64| {
        let latest = |trace: &Vec<(f64, f64)>| {
            trace
                .partition_point(|(when, _)| *when <= x)
                .checked_sub(1)
                .map(|i| trace[i].1)
        };
        let costs = sorted_finite(traces.iter().filter_map(latest));
        Row {
            x,
            low: quantile(&costs, 0.05),
            median: quantile(&costs, 0.5),
            high: quantile(&costs, 0.95),
        }
    };
    thinned(&places).into_iter().map(at).collect()
}

fn clean(trace: &[Point], place: fn(&Point) -> f64) -> Vec<(f64, f64)> {
    let points = trace.iter().map(|point| (place(point), point.cost));
    let mut points: Vec<(f64, f64)> = points
        .filter(|(x, cost)| x.is_finite() && cost.is_finite())
        .collect();
    points.sort_by(|a, b| a.0.total_cmp(&b.0));
    points
}

/// Evenly chosen places where there are more than a picture can show, the first and the last among them.
fn thinned(places: &[f64]) -> Vec<f64> {
    if places.len() <= PLACES_PER_STAGE {
        return places.to_vec();
    }
    (0..PLACES_PER_STAGE)
        .map(|i| places[i * (places.len() - 1) / (PLACES_PER_STAGE - 1)])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stage(name: &str, problems: &[&[f64]]) -> StageTrace {
        let point = |(i, cost): (usize, &f64)| Point {
            iteration: i as u32,
            seconds: 0.5 * i as f64,
            cost: *cost,
        };
        let problems = problems
            .iter()
            .map(|costs| costs.iter().enumerate().map(point).collect())
            .collect();
        StageTrace {
            name: name.to_string(),
            problems,
        }
    }

    #[test]
    fn a_finished_frame_keeps_its_last_cost_and_stages_follow_each_other() {
        let stages = vec![
            stage("root", &[&[8.0, 4.0], &[2.0]]),
            stage("pose, all", &[&[f64::NAN, 1.0, 0.0]]),
        ];
        let plot = plot(&ConvergenceSeries { stages }).unwrap();
        let expected = "against,stage,x,cost_p05,cost_median,cost_p95\n\
            iterations,root,0.0,2.3,5.0,7.7\niterations,root,1.0,2.1,3.0,3.9\n\
            iterations,\"pose, all\",2.0,1.0,1.0,1.0\niterations,\"pose, all\",3.0,0.0,0.0,0.0\n\
            seconds,root,0.0,2.3,5.0,7.7\nseconds,root,0.5,2.1,3.0,3.9\n\
            seconds,\"pose, all\",1.0,1.0,1.0,1.0\nseconds,\"pose, all\",1.5,0.0,0.0,0.0\n";
        assert_eq!(plot.csv, expected);
        for label in [
            "root",
            "pose, all",
            "iteration",
            "time / s",
            "cost of a frame",
            "median over frames",
        ] {
            assert!(
                plot.svg.contains(&format!("\n{label}\n")),
                "`{label}` is missing"
            );
        }
    }

    #[test]
    fn a_long_stage_name_is_cut_in_the_picture_and_whole_in_the_numbers() {
        let name = "root orientation and translation from the torso";
        let plot = plot(&ConvergenceSeries {
            stages: vec![stage(name, &[&[1.0]])],
        })
        .unwrap();
        assert!(plot.csv.contains(name) && !plot.svg.contains(name));
        assert!(plot.svg.contains('…'));
    }

    #[test]
    fn without_a_finite_cost_the_plot_says_that_nothing_was_solved() {
        for stages in [
            vec![],
            vec![stage("a", &[])],
            vec![stage("a", &[&[f64::NAN], &[]])],
        ] {
            assert!(
                plot(&ConvergenceSeries { stages })
                    .unwrap()
                    .svg
                    .contains("nothing was solved")
            );
        }
    }

    #[test]
    fn zero_negative_and_single_costs_have_a_place_on_the_axis() {
        for costs in [
            &[0.0][..],
            &[3.0],
            &[-1.0, -2.0],
            &[1.0, 1.0],
            &[1e300, 1e-300, 0.0],
        ] {
            let svg = plot(&ConvergenceSeries {
                stages: vec![stage("a", &[costs])],
            })
            .unwrap()
            .svg;
            assert!(
                !svg.contains("NaN") && !svg.contains("2147483647"),
                "{costs:?}"
            );
        }
    }
}
