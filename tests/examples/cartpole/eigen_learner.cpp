// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

#include "../../../examples/cartpole/eigen_learner.hpp"
#include "../../../examples/cartpole/program.hpp"

using namespace cartpole;

namespace {

random_stream stream(std::uint64_t seed) { return {seed, purpose::carts}; }

/// Keeps the pole up for as long as one likes.
std::size_t balancing(state const& s) { return 0.1 * s.x + 0.3 * s.x_dot + 3.0 * s.theta + s.theta_dot > 0.0 ? 1 : 0; }

/// An agent that is no network: it leans to the right, and its values differ from state to state.
std::vector<opinion> judge(std::vector<state> const& states) {
    std::vector<opinion> said;
    for (auto const& s : states)
        said.push_back({{std::log(0.4), std::log(0.6)}, 20.0 + 3.0 * s.x - 5.0 * s.theta + s.theta_dot});
    return said;
}

void check(state const& found, state const& expected) {
    auto const a = numbers(found), b = numbers(expected);
    for (std::size_t k = 0; k < observed; ++k) CHECK(a[k] == Approx(b[k]).epsilon(1e-13).margin(1e-15));
}

struct fixture {
    eigen_learner behaved{6, 1}, learner{6, 2};
    recording steps;
    proximal::experience<proximal::eigen::array> judged;
    std::vector<std::size_t> index;

    fixture() {
        environment carts(3, stream(5));
        random_stream random(7, purpose::actions);
        steps = collect([&](auto const& s) { return behaved.judge(s); }, carts, 40, discount, random);
        judged = learner.evaluate(steps);
        learner.policy.back().weight *= 60.0;  // far from the policy that acted, so that some ratios are clipped
        for (auto* net : {&learner.policy, &learner.critic})
            for (auto& l : *net) l.bias.array() += 0.1;
        for (std::size_t i = steps.size(); i > 0; i -= 2) index.push_back(i - 1);
    }
};

}  // namespace

TEST_CASE("cartpole: one step by hand") {
    check(push({}, 1), {0.0, 8.0 / 41.0, 0.0, -12.0 / 41.0});  // θ̈ = −600/41, ẍ = 400/41
    check(push({}, 0), {0.0, -8.0 / 41.0, 0.0, 12.0 / 41.0});
    double const flat = std::acos(-1.0) / 2.0;  // the pole lies: a = (−10 + 0.05 · 2²) / 1.1, θ̈ = 9.8 · 3/2
    check(push({1.0, -3.0, flat, 2.0}, 0), {0.94, -3.0 - 0.02 * 9.8 / 1.1, flat + 0.04, 2.0 + 0.02 * 14.7});
    check(push({0.1, -0.2, 0.05, 0.3}, 0), {0.096, -0.3957976546439626, 0.056, 0.6080233136061515});  // Gymnasium's
    CHECK_THROWS_WITH(push({}, 2), Catch::Contains("action 2") && Catch::Contains("choose 0 (left) or 1 (right)"));
}

TEST_CASE("cartpole: an episode ends beyond 2.4 m and beyond 12 degrees, not at them") {
    double const degrees = 12.0 * 2.0 * std::acos(-1.0) / 360.0, infinity = std::numeric_limits<double>::infinity();
    for (double const side : {1.0, -1.0}) {
        CHECK_FALSE(fallen({.x = side * 2.4}));
        CHECK(fallen({.x = std::nextafter(side * 2.4, side * infinity)}));
        CHECK_FALSE(fallen({.theta = side * degrees * (1.0 - 1e-15)}));
        CHECK(fallen({.theta = side * degrees * (1.0 + 1e-15)}));
        CHECK_FALSE(fallen({.x_dot = side * 1e3, .theta_dot = side * 1e3}));
    }
}

TEST_CASE("cartpole: an episode's last step shows where it led, and the next one has begun") {
    environment carts(2, stream(1));
    carts.place(0, {.theta = 0.2, .theta_dot = 1.0}, 41);
    auto const other = carts.states()[1];
    auto const outcomes = carts.step({0, 1});
    check(outcomes[0].reached, push({.theta = 0.2, .theta_dot = 1.0}, 0));
    CHECK((outcomes[0].terminated && !outcomes[0].truncated && outcomes[0].length == 42));
    for (double const x : numbers(carts.states()[0])) CHECK(std::abs(x) <= 0.05);
    CHECK_FALSE(carts.states()[0] == outcomes[0].reached);
    CHECK_FALSE(outcomes[1].ended());
    CHECK(carts.states()[1] == push(other, 1));
    CHECK(carts.step({0, 0})[0].length == 1);
}

TEST_CASE("cartpole: 500 steps are all there is") {
    environment carts(1, stream(3));
    for (int t = 1; t < 500; ++t) {
        auto const o = carts.step({balancing(carts.states()[0])})[0];
        REQUIRE_FALSE(o.ended());
        REQUIRE(o.length == t);
    }
    auto const last = carts.step({balancing(carts.states()[0])})[0];
    CHECK((last.truncated && !last.terminated && last.length == 500));
    carts.place(0, {.x = 2.39, .x_dot = 1.0}, 499);  // falls as the time runs out: it has fallen
    auto const both = carts.step({1})[0];
    CHECK((both.terminated && !both.truncated && both.length == 500));
}

TEST_CASE("cartpole: a seed is an environment") {
    environment one(3, stream(11)), same(3, stream(11)), other(3, stream(12));
    CHECK_FALSE(one.states() == other.states());
    CHECK_FALSE(one.states()[0] == one.states()[1]);
    bool ended = false;
    for (std::size_t t = 0; t < 200; ++t) {
        std::vector<std::size_t> const chosen{t % 2, 1, 0};
        for (auto const& o : one.step(chosen)) ended = ended || o.ended();
        same.step(chosen);
        REQUIRE(one.states() == same.states());
    }
    CHECK(ended);
    CHECK_THROWS_WITH(one.step({0, 1}), Catch::Contains("2 actions for 3 carts"));
    CHECK_THROWS_WITH(environment(0, stream(0)), Catch::Contains("at least 1"));
}

TEST_CASE("cartpole: rows of a recording give the advantages of the steps as they came") {
    constexpr std::size_t carts = 4, steps = 60;
    environment acting(carts, stream(2)), again(carts, stream(2));
    for (auto* e : {&acting, &again}) e->place(0, {}, 495);  // time runs out in its row
    random_stream random(9, purpose::actions);
    auto const r = collect(judge, acting, steps, discount, random);
    REQUIRE(r.size() == carts * steps);
    REQUIRE(r.rows > carts);

    auto const array_of = [&](std::vector<double> const& x) {
        proximal::eigen::array a(static_cast<Eigen::Index>(r.rows), static_cast<Eigen::Index>(r.columns));
        std::copy(x.begin(), x.end(), a.cells.data());
        return a;
    };
    auto const rows = as_rollout(r, array_of);
    auto const judged = proximal::gae{.gamma = discount, .lam = 0.95}(rows);
    CHECK(rows.mask.cells.sum() == static_cast<double>(r.size()));

    std::vector<std::vector<outcome>> led_to;  // the textbook's loop, on what the same actions led to
    for (std::size_t t = 0; t < steps; ++t) {
        for (std::size_t i = 0; i < carts; ++i) REQUIRE(again.states()[i] == r.states[t * carts + i]);
        led_to.push_back(again.step({r.chosen.begin() + static_cast<std::ptrdiff_t>(t * carts),
                                     r.chosen.begin() + static_cast<std::ptrdiff_t>((t + 1) * carts)}));
    }
    int terminated = 0, truncated = 0;
    std::vector<double> returns;
    for (std::size_t i = 0; i < carts; ++i) {
        double later = 0.0;
        for (std::size_t t = steps; t-- > 0;) {
            auto const& o = led_to[t][i];
            auto const k = t * carts + i;
            double const next = o.terminated ? 0.0 : judge({o.reached})[0].value;
            later = 1.0 + discount * next - r.values[k] + (o.ended() ? 0.0 : discount * 0.95 * later);
            CHECK(judged.advantages.cells.data()[r.cells[k]] == Approx(later).epsilon(1e-12));
            CHECK(judged.returns.cells.data()[r.cells[k]] == Approx(later + r.values[k]).epsilon(1e-12));
            CHECK(r.logprobs[k] == std::log(r.chosen[k] == 1 ? 0.6 : 0.4));
            terminated += o.terminated, truncated += o.truncated;
        }
    }
    for (auto const& outcomes : led_to)
        for (auto const& o : outcomes)
            if (o.ended()) returns.push_back(o.length);
    CHECK(r.returns == returns);
    CHECK(terminated > 0);
    CHECK(truncated == 1);
}

TEST_CASE("cartpole: the return of a policy is that of whole first episodes") {
    auto const certain = [](auto const& choose) {
        return [choose](std::vector<state> const& states) {
            std::vector<opinion> said(states.size());
            for (std::size_t i = 0; i < states.size(); ++i) said[i].logprobs[1 - choose(states[i])] = -9.0;
            return said;
        };
    };
    CHECK(mean_return(certain(balancing), 20, stream(4)) == 500.0);
    auto const right = [](state const&) { return std::size_t{1}; };
    double total = 0.0;
    environment carts(20, stream(4));
    std::vector<bool> done(20, false);
    for (int t = 0; t < 30; ++t) {
        auto const outcomes = carts.step(std::vector<std::size_t>(20, 1));
        for (std::size_t i = 0; i < 20; ++i)
            if (!done[i] && outcomes[i].ended()) total += outcomes[i].length, done[i] = true;
    }
    REQUIRE(std::count(done.begin(), done.end(), true) == 20);
    CHECK(mean_return(certain(right), 20, stream(4)) == Approx(total / 20.0));
}

TEST_CASE("cartpole: actions are drawn as often as they are likely") {
    random_stream random(1, purpose::actions);
    int right = 0;
    for (int i = 0; i < 10'000; ++i) right += sample({{std::log(0.3), std::log(0.7)}, 0.0}, random) == 1 ? 1 : 0;
    CHECK(right / 10'000.0 == Approx(0.7).margin(0.02));  // four standard deviations
    CHECK(likeliest({{std::log(0.3), std::log(0.7)}, 0.0}) == 1);
    CHECK(likeliest({{std::log(0.7), std::log(0.3)}, 0.0}) == 0);
}

TEST_CASE("cartpole: the hand-written gradient is the finite difference of the whole loss, for every parameter") {
    fixture f;
    auto const found = f.learner.gradient(f.steps, f.judged, f.index);

    auto const said = f.learner.judge(f.steps.states);  // the premise: clipped steps and others
    int clipped = 0;
    for (auto const i : f.index)
        clipped += std::abs(std::exp(said[i].logprobs[f.steps.chosen[i]] - f.steps.logprobs[i]) - 1.0) > 0.2 ? 1 : 0;
    REQUIRE((clipped > 5 && clipped < static_cast<int>(f.index.size()) - 5));

    double const h = 1e-5;
    auto const differ = [&](mlp& net, mlp const& gradient) {
        for (std::size_t l = 0; l < net.size(); ++l) {
            CHECK(gradient[l].weight.cwiseAbs().maxCoeff() > 1e-4);
            for (auto [x, slope] : {std::pair{&net[l].weight, &gradient[l].weight}, {&net[l].bias, &gradient[l].bias}})
                for (Eigen::Index k = 0; k < x->size(); ++k) {
                    double& number = x->data()[k];
                    double const before = number;
                    number = before + h;
                    double const above = f.learner.gradient(f.steps, f.judged, f.index).loss;
                    number = before - h;
                    double const below = f.learner.gradient(f.steps, f.judged, f.index).loss;
                    number = before;
                    CHECK(slope->data()[k] == Approx((above - below) / (2.0 * h)).epsilon(1e-6).margin(1e-7));
                }
        }
    };
    differ(f.learner.policy, found.policy);
    differ(f.learner.critic, found.critic);
}

TEST_CASE("cartpole: the loss of the steps is the loss of the algorithm") {
    fixture f;
    auto const said = f.learner.judge(f.steps.states);
    double policy = 0.0, critic = 0.0, entropy = 0.0;
    for (auto const i : f.index) {
        auto const at = static_cast<Eigen::Index>(i);
        double const ratio = std::exp(said[i].logprobs[f.steps.chosen[i]] - f.steps.logprobs[i]);
        double const advantage = f.judged.advantages(at, 0), error = said[i].value - f.judged.returns(at, 0);
        policy -= std::min(advantage * ratio, advantage * std::min(std::max(ratio, 0.8), 1.2));
        critic += 0.5 * 0.5 * error * error;
        for (double const logprob : said[i].logprobs) entropy -= logprob * std::exp(logprob);
    }
    auto const n = static_cast<double>(f.index.size());
    CHECK(f.learner.gradient(f.steps, f.judged, f.index).loss ==
          Approx((policy + critic - 0.01 * entropy) / n).epsilon(1e-12));
}

TEST_CASE("cartpole: two steps of Adam by hand") {
    mlp net{{matrix::Constant(1, 1, 3.0), matrix::Constant(1, 1, -1.0)}};
    adam descent(net);
    descent.step(net, {{matrix::Constant(1, 1, 0.5), matrix::Constant(1, 1, -2.0)}}, 0.1);
    CHECK(net[0].weight(0, 0) == Approx(3.0 - 0.1 * 0.5 / (0.5 + 1e-5)).epsilon(1e-13));
    CHECK(net[0].bias(0, 0) == Approx(-1.0 + 0.1 * 2.0 / (2.0 + 1e-5)).epsilon(1e-13));
    double const before = net[0].weight(0, 0);
    descent.step(net, {{matrix::Constant(1, 1, -1.0), matrix::Constant(1, 1, 0.0)}}, 0.2);
    double const first = (0.9 * 0.05 - 0.1) / (1.0 - 0.81);
    double const second = (0.999 * 0.00025 + 0.001) / (1.0 - 0.998001);
    CHECK(net[0].weight(0, 0) == Approx(before - 0.2 * first / (std::sqrt(second) + 1e-5)).epsilon(1e-12));
}

TEST_CASE("cartpole: a seed is a run") {
    auto const trained = [](std::uint64_t seed) {
        eigen_learner learner(8, seed);
        std::vector<std::int64_t> heard;
        auto const v = train(learner, {.width = 8, .carts = 2, .steps = 50, .batch = 30, .max_steps = 300}, seed,
                             [&](std::int64_t steps, double) { heard.push_back(steps); });
        CHECK(v.steps == 300);
        CHECK(heard.back() == 300);
        return std::pair{learner.policy[1].weight, v.mean_return};
    };
    auto const [weight, mean] = trained(3);
    auto const [same_weight, same_mean] = trained(3);
    CHECK(weight == same_weight);
    CHECK(mean == same_mean);
    CHECK_FALSE(weight == trained(4).first);
    CHECK_FALSE(weight == eigen_learner(8, 3).policy[1].weight);
}

TEST_CASE("cartpole: flags") {
    auto const wanted = parse({"--seed", "7", "--seeds", "3", "--max_steps", "1000"});
    REQUIRE(wanted);
    CHECK((wanted->seed == 7 && wanted->seeds == 3 && wanted->run.max_steps == 1000));
    CHECK((parse({})->seed == 0 && parse({})->seeds == 1));
    CHECK_FALSE(parse({"--seed", "1", "--help"}));
    CHECK_THROWS_WITH(parse({"--sed", "1"}), "there is no flag '--sed': see --help");
    CHECK_THROWS_WITH(parse({"--seed"}),
                      Catch::Contains("--seed expects a whole number") && Catch::Contains("nothing"));
    for (char const* bad : {"", "x", "-1", "1.5", "7 ", "9223372036854775808", "99999999999999999999"})
        CHECK_THROWS_WITH(parse({"--seed", bad}),
                          Catch::Contains("whole number") && Catch::Contains("'" + std::string(bad) + "'"));
    CHECK_THROWS_WITH(parse({"--seeds", "0"}), Catch::Contains("at least 1"));
    CHECK_THROWS_WITH(parse({"--max_steps", "0"}), Catch::Contains("at least 1"));
}

TEST_CASE("cartpole: what is not solved is not called so") {
    auto const make = [](settings const& run, std::uint64_t seed) { return eigen_learner(run.width, seed); };
    CHECK(run_program("cartpole", {"--max_steps", "1"}, make) == 2);
    CHECK(run_program("cartpole", {"--help"}, make) == 0);
    CHECK(run_program("cartpole", {"--seeds", "none"}, make) == 1);
}
