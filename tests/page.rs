//! The page in a browser: it loads from disk, draws, and answers to mouse and keys. Skipped, saying so, where
//! there is no Chromium.

use std::path::{Path, PathBuf};
use std::process::Command;

use fitrun::{CompareOptions, compare};
use serde_json::Value;

const PROBE: &str = include_str!("page/probe.js");

fn chromium() -> Option<&'static str> {
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let runs = |name: &&&str| Command::new(name).arg("--version").output().is_ok();
    names.iter().find(runs).copied()
}

fn page(folder: &Path) -> PathBuf {
    let spec = Path::new(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/specs/compare/priors.toml"
    ));
    let options = CompareOptions {
        run: fitrun::RunOptions {
            sets: vec![
                "compare.vary.prior=['none', 'gmm', 'vposer']".into(),
                "data.targets.frames=0..30".into(),
            ],
            ..Default::default()
        },
        out: Some(folder.join("out")),
        ..CompareOptions::default()
    };
    let found = compare(spec, &options, &mut |_| true).unwrap_or_else(|e| panic!("{e}"));
    found.dir.join("report.html")
}

/// What the probe found when it had used the page.
fn probed(browser: &str, page: &Path, folder: &Path) -> Value {
    let text = std::fs::read_to_string(page).unwrap();
    let (head, rest) = text.split_once("<head>").unwrap();
    let watched = "<head><script>window.mistakes = []; \
                   addEventListener('error', e => mistakes.push(String(e.message)));</script>";
    let probed = format!("{head}{watched}{rest}")
        .replace("</body>", &format!("<script>{PROBE}</script></body>"));
    let path = folder.join("probed.html");
    std::fs::write(&path, probed).unwrap();
    let output = Command::new(browser)
        .args([
            "--headless=new",
            "--no-sandbox",
            "--use-angle=swiftshader",
            "--enable-unsafe-swiftshader",
        ])
        .args([
            "--window-size=1280,900",
            "--virtual-time-budget=20000",
            "--dump-dom",
        ])
        .arg(format!(
            "--user-data-dir={}",
            folder.join("profile").display()
        ))
        .arg(format!("file://{}", path.display()))
        .output()
        .unwrap();
    let dom = String::from_utf8_lossy(&output.stdout).into_owned();
    let found = dom
        .split("<pre id=\"probe\">")
        .nth(1)
        .and_then(|r| r.split("</pre>").next());
    let found = found.unwrap_or_else(|| {
        panic!(
            "the probe did not end: {}",
            String::from_utf8_lossy(&output.stderr)
        )
    });
    serde_json::from_str(
        &found
            .replace("&quot;", "\"")
            .replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&amp;", "&"),
    )
    .unwrap()
}

#[test]
fn the_page_loads_from_disk_draws_and_answers_to_mouse_and_keys() {
    let Some(browser) = chromium() else {
        eprintln!("skipped: there is no Chromium");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let found = probed(browser, &page(folder.path()), folder.path());
    assert_eq!(found["mistakes"], serde_json::json!([]), "{found}");
    assert_eq!(found["requests"], 0, "{found}");
    // A skeleton of each method is a few hundred pixels at least.
    for method in found["pixels"].as_array().unwrap() {
        assert!(method.as_u64().unwrap() > 300, "{found}");
    }
    assert_eq!(found["sorted_by_mouse"], true, "{found}");
    assert_eq!(found["sorted_back_from_focus"], true, "{found}");
    assert_eq!(found["scrubbed"], true, "{found}");
    assert_eq!(found["turned_by_key"], true, "{found}");
    assert_eq!(found["laid_over"], true, "{found}");
    assert_eq!(found["hidden_by_box"], true, "{found}");
    // WCAG 2 asks for 4.5 of text.
    for theme in ["light", "dark"] {
        let least = found["contrast"][theme]["least"].as_f64().unwrap();
        assert!(least >= 4.5, "{theme}: {}", found["contrast"][theme]);
    }
}
