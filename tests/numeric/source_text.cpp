// SPDX-License-Identifier: Apache-2.0
#include "../support/compiled_text.hpp"
#include "../support/edge_batches.hpp"

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <proximal/compose/token_source.hpp>
#include <proximal/proximal.hpp>
#include <random>
#include <thread>

using namespace proximal;

namespace {

double const infinite = std::numeric_limits<double>::infinity(), undefined = infinite - infinite;

/// Every function of the vocabulary at once, in all three differentiated quantities.
struct every_function {
    constexpr auto operator()(Token auto const& token) const {
        auto const x = token.logprob;
        auto const y = token.value;
        auto const z = token.entropy;
        auto const loss = max(x, y) + 2.0 * min(y, token.advantage) + clamp(x, y, z) * abs(z) +
                          select(x > token.old_logprob, expm1(0.1 * x), z / (square(y) + 1.0)) + sigmoid(x) +
                          log(abs(y) + 1.0) * (x >= y) + sqrt(square(z) + 0.5) * (z <= token.return_) - detach(x) * z;
        return with(loss, metric<"test/below">(x < y), metric<"test/exp">(exp(0.01 * y)));
    }
};

/// Each loss formula alone, what is composed of them, and every function.
auto const formulas = boost::hana::make_tuple(
    clipped_surrogate{.cliprange = 0.2}, clipped_value{.vf_coef = 0.1, .cliprange_value = 0.2}, kl_loss<k1>{},
    kl_loss<k3>{}, kl_loss<k2>{}, kl_loss<absolute>{}, kl_loss<straight_through<k3>>{}, reinforce{}, clip_higher{},
    dual_clip{}, two_sided_clip{}, cispo{}, sapo{}, entropy_bonus{}, squared_value{}, huber_value{},
    weighted(-0.5, clipped_surrogate{}), weighted(3.0, clipped_value{}),
    total(clipped_surrogate{.cliprange = 0.2}, clipped_value{.vf_coef = 0.1, .cliprange_value = 0.2}),
    total(weighted(0.5, clipped_surrogate{}), kl_loss<k3>{}, clipped_value{}), positive_lm{}, gspo{0.1, 0.2},
    gmpo{0.1, 0.2}, total(entropy_bonus{}, gmpo{0.1, 0.2}), every_function{});

void each_formula(auto const& f) {
    int i = 0;
    boost::hana::for_each(formulas, [&](auto const& formula) { f("formula_" + std::to_string(i++), formula); });
}

constexpr char const* names[] = {"logprob",   "value",   "entropy", "old_logprob",  "ref_logprob", "old_value",
                                 "advantage", "return_", "weight",  "value_weight", "score",       "sequence_mean"};
constexpr int inputs = 12, results = 10;  // loss, three partials, up to six metrics
using support::compiled_text;

/// The text as a C function from the twelve inputs to the ten results; those it does not mention are 0.
std::string as_function(std::string const& name, source_text const& source) {
    std::string text = "extern \"C\" void " + name + "(double const* in, double* out) {\n";
    for (int i = 0; i < inputs; ++i)
        text += "    [[maybe_unused]] const T " + std::string(names[i]) + " = in[" + std::to_string(i) + "];\n";
    text +=
        "    T loss = 0, d_logprob = 0, d_value = 0, d_entropy = 0, metric_0 = 0, metric_1 = 0, metric_2 = 0, metric_3 "
        "= 0, metric_4 = 0, metric_5 = 0;\n" +
        source.body;
    text +=
        "    T all[] = {loss, d_logprob, d_value, d_entropy, metric_0, metric_1, metric_2, metric_3, metric_4, "
        "metric_5};\n"
        "    for (int i = 0; i < 10; ++i) out[i] = all[i];\n}\n";
    return text;
}

template <class Formula>
std::array<double, results> by_dual(Formula const& formula, std::array<double, inputs> const& in) {
    using dual = number<double, 3>;
    auto const one = contribution(formula, differentiated_token<double>{.logprob = dual::variable<0>(in[0]),
                                                                        .value = dual::variable<1>(in[1]),
                                                                        .entropy = dual::variable<2>(in[2]),
                                                                        .old_logprob = in[3],
                                                                        .ref_logprob = in[4],
                                                                        .old_value = in[5],
                                                                        .advantage = in[6],
                                                                        .return_ = in[7],
                                                                        .score = in[10],
                                                                        .sequence_mean = in[11],
                                                                        .weight = in[8],
                                                                        .value_weight = in[9]});
    dual const loss = one.loss;
    std::array<double, results> out{loss.value, loss.partials[0], loss.partials[1], loss.partials[2]};
    int i = 4;
    boost::hana::for_each(one.metrics, [&](auto const& metric) { out[i++] = metric.value.value; });
    return out;
}

template <class Formula>
void compare(std::string const& name, Formula const& formula, compiled_text::function run,
             std::array<double, inputs> const& in) {
    auto const expected = by_dual(formula, in);
    std::array<double, results> got;
    run(in.data(), got.data());
    bool close = true;
    for (int i = 0; i < results; ++i) {
        if (std::isnan(expected[i])) close &= std::isnan(got[i]);
        else if (std::isinf(expected[i])) close &= got[i] == expected[i];
        else close &= std::abs(got[i] - expected[i]) <= 1e-12 * (1.0 + std::abs(expected[i]));
    }
    if (close) return;  // a million of assertions that hold would only slow the test
    INFO(name << " at " << Catch::Detail::stringify(in) << " expected " << Catch::Detail::stringify(expected) << " got "
              << Catch::Detail::stringify(got));
    CHECK(close);
}

}  // namespace

TEST_CASE("source_text: the compiled text is number<double, 3>, at ties, bounds, NaN and infinities too") {
    std::string functions;
    each_formula(
        [&](std::string const& name, auto const& formula) { functions += as_function(name, token_source(formula)); });
    support::compiled_text const text(functions);
    auto const check = [&](std::array<double, inputs> const& in) {
        each_formula(
            [&](std::string const& name, auto const& formula) { compare(name, formula, text.find(name), in); });
    };

    std::mt19937 engine(1);
    std::normal_distribution<double> normal;
    for (int i = 0; i < 20000; ++i) {
        std::array<double, inputs> in;
        for (double& x : in) x = 0.5 * normal(engine);
        if (i % 3 == 0) in[0] = in[3], in[1] = in[5];
        check(in);
    }
    std::array const special{-2.0, -0.2, 0.0, std::log(1.2), 0.2, 1.0, 800.0, undefined, infinite, -infinite};
    for (double a : special)
        for (double b : special)
            for (double c : special) {
                check({a, b, c, 0.0, b, 0.0, c, a, 0.25, 0.5, b, c});
                check({a, b, 0.3, b, c, b, 1.0, c, 0.25, 0.5, 0.0, a});
                check({0.1, 0.2, 0.3, a, b, c, -1.0, b, 0.0, 1.0});
            }
    for (auto const& batch : support::edge_batches()) {  // what padding holds too: here nobody masks it
        auto const& then = batch.then;
        auto const weights = token_mean{}(then.mask), value_weights = token_mean{}(then.value_mask);
        for (Eigen::Index b = 0; b < then.mask.cells.rows(); ++b)
            for (Eigen::Index t = 0; t < then.mask.cells.cols(); ++t)
                check({batch.now.logprobs(b, t), batch.now.values(b, t), batch.now.entropies(b, t), then.logprobs(b, t),
                       then.ref_logprobs(b, t), then.values(b, t), then.advantages(b, t), then.returns(b, t),
                       weights(b, t), value_weights(b, t)});
    }
}

TEST_CASE("source_text: what a term averages over a response is the number's") {
    auto const text_of = [](auto const& term) {
        std::string text = "extern \"C\" void averaged_by(double const* in, double* out) {\n";
        for (int i = 0; i < inputs; ++i)
            text += "    [[maybe_unused]] const T " + std::string(names[i]) + " = in[" + std::to_string(i) + "];\n";
        return text + "    T averaged;\n" + averaged_source(term).body + "    out[0] = averaged;\n}\n";
    };
    auto const check = [&](auto const& term) {
        support::compiled_text const text(text_of(term));
        for (double logprob : {-2.0, -0.2, 0.0, 0.1, 0.3, undefined})
            for (double advantage : {-1.0, 0.0, 1.0}) {
                std::array<double, inputs> in{};
                in[0] = logprob, in[6] = advantage;
                double got = 0.0;
                text.find("averaged_by")(in.data(), &got);
                number<double, 3> const expected = term.averaged(differentiated_token<double>{
                    .logprob = number<double, 3>::variable<0>(logprob), .advantage = advantage});
                CHECK((got == expected.value || (std::isnan(got) && std::isnan(expected.value))));
            }
    };
    check(gspo{}), check(gmpo{0.1, 0.2}), check(total(entropy_bonus{}, gmpo{0.1, 0.2}));
}

TEST_CASE("number: the slopes of every formula are those of finite differences") {
    std::mt19937 engine(2);
    std::normal_distribution<double> normal;
    each_formula([&](std::string const& name, auto const& formula) {
        using Formula = std::remove_cvref_t<decltype(formula)>;
        if constexpr (std::is_same_v<Formula, every_function> || std::is_same_v<Formula, cispo> ||
                      SequenceLevel<Formula> || std::is_same_v<Formula, kl_loss<straight_through<k3>>>)
            return;  // they detach: their slopes are not their values'
        int compared = 0;
        for (int i = 0; i < 500; ++i) {
            std::array<double, inputs> in;
            for (double& x : in) x = 0.5 * normal(engine);
            auto const here = by_dual(formula, in);
            for (int k = 0; k < 3; ++k) {
                double const h = 1e-5;
                auto up = in, down = in;
                up[k] += h, down[k] -= h;
                double const above = by_dual(formula, up)[0], below = by_dual(formula, down)[0];
                if (std::abs(above + below - 2 * here[0]) > 1e3 * h * h)
                    continue;  // a kink within reach bends by the order of h
                ++compared;
                INFO(name << " by " << names[k] << " at " << Catch::Detail::stringify(in));
                CHECK(here[1 + k] == Approx((above - below) / (2 * h)).margin(1e-7));
            }
        }
        CHECK(compared > 1400);
    });
}

TEST_CASE("source_text: equal parts are written once, dead ones never") {
    auto const x = number<trace, 1>::variable(trace::input("x"), 0);
    number<trace> dead;
    dead.value = trace::input("unused");
    auto const twice = exp(x) * exp(x) + 0.0 * detach(exp(x));
    [[maybe_unused]] auto const ignored = log(dead);
    source_text const text({{"y", twice.value}, {"d_x", twice.partials[0]}, {"zero", trace{}}});
    auto const times = [&](std::string const& part) {
        int n = 0;
        for (auto at = text.body.find(part); at != std::string::npos; at = text.body.find(part, at + 1)) ++n;
        return n;
    };
    CHECK(times("exp(") == 1);
    CHECK(times("log(") == 0);
    CHECK(text.inputs == std::vector<std::string>{"x"});
    CHECK(text.outputs == std::vector<std::string>{"y", "d_x"});
}

TEST_CASE("trace: recording is a value: threads do not meet") {
    auto const expected = token_source(every_function{}).body;
    std::array<std::string, 4> bodies;
    std::vector<std::thread> threads;
    for (auto& body : bodies) threads.emplace_back([&body] { body = token_source(every_function{}).body; });
    for (auto& thread : threads) thread.join();
    for (auto const& body : bodies) CHECK(body == expected);
}
