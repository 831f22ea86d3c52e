// Poses by Levenberg and Marquardt's method in plain C++ with Eigen: analytic Jacobians, f32, a frame at a time.
//
// Usage: poses WORK THREADS; poses.py writes WORK and compiles this file. Prints frames/s, the mean of the
// iterations, the frames that converged, and the summed E.

#include <Eigen/Dense>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <thread>
#include <vector>

constexpr int JOINTS = 22, POSE = 63, UNKNOWNS = 6 + POSE, RESIDUALS = 3 * JOINTS;
constexpr float INVERSE_SIGMA = 100.0f, FIRST_DAMPING = 1e-2f, TOLERANCE = 1e-5f;
constexpr int MOST_ITERATIONS = 500;
using Vec3 = Eigen::Vector3f;
using Mat3 = Eigen::Matrix3f;
using Pose = Eigen::Matrix<float, POSE, 1>;
using Step = Eigen::Matrix<float, UNKNOWNS, 1>;
using Square = Eigen::Matrix<float, UNKNOWNS, UNKNOWNS>;
using PoseSquare = Eigen::Matrix<float, POSE, POSE>;

struct Component {
    Pose mean;
    // The residual is whiten (pose - mean), its square is pressure.
    PoseSquare whiten, pressure;
    float above;
};

struct Work {
    int frames = 0;
    int parents[JOINTS];
    Vec3 offsets[JOINTS];
    Pose start;
    std::vector<float> targets;
    std::vector<Component> components;
};

struct State {
    Mat3 root;
    Vec3 trans;
    Pose pose;
};

static Mat3 hat(const Vec3 &v) {
    Mat3 m;
    m << 0, -v.z(), v.y(), v.z(), 0, -v.x(), -v.y(), v.x(), 0;
    return m;
}

// exp(v), and the right Jacobian J with exp(v + d) = exp(v) exp(J d).
static Mat3 exponential(const Vec3 &v, Mat3 *right) {
    const float angle2 = v.squaredNorm(), angle = std::sqrt(angle2);
    const bool small = angle < 1e-3f;
    const float a = small ? 1 - angle2 / 6 : std::sin(angle) / angle;
    const float half = std::sin(angle / 2);
    const float b = small ? 0.5f - angle2 / 24 : 2 * half * half / angle2;
    const float c = small ? 1.0f / 6 - angle2 / 120 : (1 - a) / angle2;
    const Mat3 h = hat(v), h2 = h * h;
    if (right) *right = Mat3::Identity() - b * h + c * h2;
    return Mat3::Identity() + a * h + b * h2;
}

struct Posed {
    Vec3 points[JOINTS];
    Mat3 turns[JOINTS], rights[JOINTS];
};

static void forward(const Work &work, const State &state, Posed &posed, bool jacobian) {
    posed.turns[0] = state.root;
    posed.points[0] = work.offsets[0] + state.trans;
    for (int i = 1; i < JOINTS; i++) {
        const int p = work.parents[i];
        posed.points[i] = posed.points[p] + posed.turns[p] * work.offsets[i];
        const Vec3 v = state.pose.segment<3>(3 * (i - 1));
        posed.turns[i] = posed.turns[p] * exponential(v, jacobian ? &posed.rights[i] : nullptr);
    }
}

static float nearest(const Work &work, const Pose &pose, const Component **found) {
    float least = 0;
    *found = nullptr;
    for (const Component &c : work.components) {
        const float energy = (c.whiten.triangularView<Eigen::Lower>() * (pose - c.mean)).squaredNorm() + c.above;
        if (!*found || energy < least) least = energy, *found = &c;
    }
    return least;
}

static float cost(const Work &work, const float *target, const State &state, Posed &posed, bool jacobian) {
    forward(work, state, posed, jacobian);
    float sum = 0;
    for (int j = 0; j < JOINTS; j++)
        sum += (posed.points[j] - Eigen::Map<const Vec3>(target + 3 * j)).squaredNorm();
    const Component *unused;
    return sum * INVERSE_SIGMA * INVERSE_SIGMA + nearest(work, state.pose, &unused);
}

static void linearise(const Work &work, const float *target, const State &state, const Posed &posed,
                      Square &square, Step &slope) {
    static thread_local Eigen::Matrix<float, RESIDUALS, UNKNOWNS> jacobian;
    Eigen::Matrix<float, RESIDUALS, 1> residual;
    jacobian.setZero();
    for (int j = 0; j < JOINTS; j++) {
        residual.segment<3>(3 * j) = INVERSE_SIGMA * (posed.points[j] - Eigen::Map<const Vec3>(target + 3 * j));
        jacobian.block<3, 3>(3 * j, 3) = INVERSE_SIGMA * Mat3::Identity();
        for (int i = work.parents[j]; i >= 0; i = work.parents[i]) {
            const Mat3 &turn = posed.turns[i];
            const Mat3 moves = -INVERSE_SIGMA * turn * hat(turn.transpose() * (posed.points[j] - posed.points[i]));
            if (i == 0) jacobian.block<3, 3>(3 * j, 0) = moves;
            else jacobian.block<3, 3>(3 * j, 6 + 3 * (i - 1)) = moves * posed.rights[i];
        }
    }
    square.setZero();
    square.selfadjointView<Eigen::Lower>().rankUpdate(jacobian.transpose());
    slope = jacobian.transpose() * residual;
    const Component *component;
    nearest(work, state.pose, &component);
    if (component) {
        square.bottomRightCorner<POSE, POSE>() += component->pressure;
        slope.tail<POSE>() += component->pressure * (state.pose - component->mean);
    }
}

static State moved(const State &state, const Step &step) {
    return {state.root * exponential(step.head<3>(), nullptr), state.trans + step.segment<3>(3),
            state.pose + step.tail<POSE>()};
}

// The root that lays the rest pose's torso on the target's.
static State placed(const Work &work, const float *target) {
    static const int torso[] = {0, 1, 2, 3, 6, 9, 12, 13, 14, 16, 17};
    State state{Mat3::Identity(), Vec3::Zero(), work.start};
    Posed posed;
    forward(work, state, posed, false);
    Eigen::Matrix<float, 3, 11> from, to;
    for (int k = 0; k < 11; k++) {
        from.col(k) = posed.points[torso[k]];
        to.col(k) = Eigen::Map<const Vec3>(target + 3 * torso[k]);
    }
    const Eigen::Matrix4f found = Eigen::umeyama(from, to, false);
    state.root = found.topLeftCorner<3, 3>();
    // The root turns about the first joint.
    state.trans = found.topLeftCorner<3, 3>() * work.offsets[0] + found.topRightCorner<3, 1>() - work.offsets[0];
    return state;
}

struct Found {
    float cost;
    int iterations;
    bool converged;
};

static Found solve(const Work &work, const float *target) {
    State state = placed(work, target);
    Posed posed, tried;
    float now = cost(work, target, state, posed, true), damping = FIRST_DAMPING, growth = 2;
    Square square;
    Step slope;
    for (int iteration = 0; iteration < MOST_ITERATIONS; iteration++) {
        linearise(work, target, state, posed, square, slope);
        const Step diagonal = square.diagonal().cwiseMax(1e-6f * square.diagonal().maxCoeff());
        while (true) {
            if (damping > 1e12f) return {now, iteration, false};
            Square damped = square;
            damped.diagonal() += damping * diagonal;
            const Step step = damped.selfadjointView<Eigen::Lower>().llt().solve(-slope);
            const float promised = -slope.dot(step) + damping * step.cwiseProduct(diagonal).dot(step);
            const State next = moved(state, step);
            const float then = cost(work, target, next, tried, true);
            const float gain = (now - then) / promised, unit = TOLERANCE * std::max(1.0f, now);
            if (promised <= unit) return {std::min(now, then), iteration, true};
            if (gain > 1e-4f) {
                damping *= std::max(1.0f / 3, 1 - std::pow(2 * gain - 1, 3.0f));
                growth = 2;
                std::swap(posed, tried);
                state = next, now = then;
                break;
            }
            damping *= growth, growth *= 2;
        }
    }
    return {now, MOST_ITERATIONS, false};
}

template <class T> static void take(std::ifstream &file, T *to, size_t count) {
    file.read(reinterpret_cast<char *>(to), sizeof(T) * count);
}

static Work read(const char *path) {
    Work work;
    std::ifstream file(path, std::ios::binary);
    int32_t counts[2];
    take(file, counts, 2);
    work.frames = counts[0];
    work.components.resize(counts[1]);
    take(file, work.parents, JOINTS);
    take(file, work.offsets[0].data(), RESIDUALS);
    take(file, work.start.data(), POSE);
    work.targets.resize(size_t(RESIDUALS) * work.frames);
    take(file, work.targets.data(), work.targets.size());
    for (Component &c : work.components) {
        take(file, c.mean.data(), POSE);
        take(file, c.whiten.data(), POSE * POSE);
        take(file, &c.above, 1);
        c.pressure = c.whiten.transpose() * c.whiten;
    }
    return work;
}

int main(int, char **arguments) {
    const Work work = read(arguments[1]);
    const int threads = std::atoi(arguments[2]);
    std::vector<Found> found(work.frames);
    const auto begun = std::chrono::steady_clock::now();
    std::vector<std::thread> all;
    for (int t = 0; t < threads; t++)
        all.emplace_back([&, t] {
            for (int f = t; f < work.frames; f += threads)
                found[f] = solve(work, &work.targets[size_t(RESIDUALS) * f]);
        });
    for (std::thread &thread : all) thread.join();
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
    double sum = 0, iterations = 0;
    int converged = 0;
    for (const Found &f : found) sum += f.cost, iterations += f.iterations, converged += f.converged;
    std::printf("%.1f %.1f %d %.2f\n", work.frames / seconds, iterations / work.frames, converged, sum);
}
