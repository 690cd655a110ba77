// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <limits>
#include <proximal/eigen.hpp>
#include <proximal/proximal.hpp>
#include <random>
#include <string>
#include <type_traits>
#include <vector>

namespace support {

/// A small batch at an edge of what a part may meet: as a rollout (the experience's base), judged, and predicted anew.
struct edge_batch {
    std::string name;
    proximal::experience<proximal::eigen::array> then;
    proximal::prediction<proximal::eigen::array> now;

    proximal::rollout<proximal::eigen::array> const& rollout() const { return then; }
};

/// The same batch with other numbers where no mask counts.
inline edge_batch padded(edge_batch batch, double padding) {
    auto const mask = batch.then.mask, value_mask = batch.then.value_mask;
    auto const pad = [&](auto& some) {
        proximal::fields_of<std::remove_reference_t<decltype(some)>>.for_each([&](auto field) {
            if (field.counts == proximal::extent::mask) field.of(some) = select(mask, field.of(some), padding);
            if (field.counts == proximal::extent::value_mask)
                field.of(some) = select(value_mask, field.of(some), padding);
        });
    };
    pad(batch.then), pad(batch.now);
    return batch;
}

/// Rows of `lengths` response tokens in T steps, value masks one step longer; random numbers inside, `padding` outside.
inline edge_batch batch_of(std::string name, std::vector<int> const& lengths, int T, double padding = 1e3) {
    using proximal::eigen::array;
    auto const B = static_cast<Eigen::Index>(lengths.size());
    std::mt19937 engine(17);
    std::normal_distribution<double> normal;
    auto const draw = [&](Eigen::Index columns, double scale) {
        array x(B, columns);
        for (Eigen::Index i = 0; i < x.cells.size(); ++i) x.cells.data()[i] = scale * normal(engine);
        return x;
    };
    array mask(B, T), value_mask(B, T), has_eos(B, 1);
    for (Eigen::Index b = 0; b < B; ++b) {
        for (Eigen::Index t = 0; t < T; ++t) mask(b, t) = t < lengths[b], value_mask(b, t) = t <= lengths[b];
        has_eos(b, 0) = b % 2;
    }
    array const logprobs = draw(T, 1.0) - 3.0, values = draw(T, 1.0);
    edge_batch batch{.name = std::move(name), .then = {}, .now = {}};
    auto& then = batch.then;
    then.mask = mask, then.value_mask = value_mask, then.has_eos = has_eos, then.scores = draw(1, 1.0);
    then.logprobs = logprobs;
    then.ref_logprobs = logprobs + draw(T, 0.3);
    then.behaviour_logprobs = logprobs + draw(T, 0.5);
    then.baseline_scores = draw(1, 1.0);
    then.values = values;
    then.rewards = draw(T, 0.5);
    then.advantages = draw(T, 1.0);
    then.returns = values + draw(T, 0.5);
    batch.now = {
        .logprobs = logprobs + draw(T, 0.3), .values = values + draw(T, 0.3), .entropies = square(draw(T, 1.0))};
    proximal::judged_fields.for_each([&](auto field) {  // a field that is not named above is drawn as well
        if (absent(field.of(then)) && !proximal::is_weight(field.counts))
            field.of(then) = draw(field.counts == proximal::extent::row ? 1 : T, 1.0);
    });
    return padded(std::move(batch), padding);
}

/// Every edge: shapes, masks, what padding holds, what a mask holds, exact ties, ratios and errors that overflow.
inline std::vector<edge_batch> edge_batches() {
    double const infinite = std::numeric_limits<double>::infinity(), NaN = std::numeric_limits<double>::quiet_NaN();
    std::vector<edge_batch> all{
        batch_of("one token", {1}, 1),
        batch_of("T = 1", {1, 0, 1}, 1),
        batch_of("B = 1", {3}, 5),
        batch_of("an empty response", {0, 2, 5}, 5),
        batch_of("only empty responses", {0, 0, 0}, 5),
        batch_of("one token a row", {1, 1, 1}, 5),
        batch_of("full masks", {5, 5, 5}, 5),
        batch_of("NaN in padding", {0, 2, 5}, 5, NaN),
        batch_of("+inf in padding", {0, 2, 5}, 5, infinite),
        batch_of("-inf in padding", {0, 2, 5}, 5, -infinite),
    };
    auto const add = [&](std::string name, std::vector<int> const& lengths, int T, auto const& change) {
        all.push_back(batch_of(std::move(name), lengths, T));
        change(all.back().then, all.back().now);
    };
    auto const fill = [](auto& x, double value) { x.cells.setConstant(value); };

    add("groups: one flat, one not", {5, 3, 2, 5}, 5, [&](auto& then, auto&) {
        fill(then.rewards, 0.0);
        then.scores(0, 0) = then.scores(1, 0) = 0.1;
        then.rewards(2, 0) = 0.3, then.rewards(3, 1) = -0.2, then.rewards(0, 0) = then.rewards(1, 0) = 0.1;
    });
    add("groups: best ones that tie, an empty response", {0, 3, 2, 5}, 5, [&](auto& then, auto&) {
        then.scores(0, 0) = then.scores(1, 0) = 2.0;
        then.rewards(2, 0) = NaN;
    });
    add("behaviour alike: every weight 1", {5, 4, 0}, 5,
        [&](auto& then, auto&) { then.behaviour_logprobs = then.logprobs; });
    add("behaviour far away: weights that overflow and underflow", {5, 4, 0}, 5, [&](auto& then, auto&) {
        then.behaviour_logprobs(0, 0) = then.logprobs(0, 0) - 800.0;
        then.behaviour_logprobs(0, 3) = then.logprobs(0, 3) + 800.0;
    });
    add("no mask counts anything", {0, 0, 0}, 5, [&](auto& then, auto&) { fill(then.value_mask, 0.0); });
    add("a single step counts", {0, 0, 0}, 5, [&](auto& then, auto&) {
        fill(then.value_mask, 0.0);
        then.value_mask(1, 0) = then.mask(1, 0) = 1.0;
    });
    for (double const bad : {NaN, infinite, -infinite}) {
        auto const one = [&](std::string const& name, auto const& cell) {
            add(std::to_string(bad) + " " + name, {1, 5, 3}, 5, [&](auto& then, auto& now) { cell(then, now) = bad; });
        };
        proximal::judged_fields.for_each([&](auto field) {
            using enum proximal::extent;
            if (field.counts == row && field.id != proximal::source::has_eos)
                one("of " + std::string(field.array),
                    [&](auto& then, auto&) -> double& { return field.of(then)(2, 0); });
            if (field.counts == mask || field.counts == value_mask)
                one("of " + std::string(field.array),
                    [&](auto& then, auto&) -> double& { return field.of(then)(1, 2); });
        });
        proximal::predicted_fields.for_each([&](auto field) {
            one("of new " + std::string(field.array), [&](auto&, auto& now) -> double& { return field.of(now)(1, 2); });
        });
        one("in a last value", [](auto& then, auto&) -> double& { return then.values(2, 3); });
        one("in the score of an empty response", [](auto& then, auto&) -> double& {
            for (int t = 0; t < 5; ++t) then.mask(0, t) = 0.0, then.value_mask(0, t) = t == 0;
            return then.scores(0, 0);
        });
    }
    add("nothing moved: ρ = 1, V = V_old, advantages of 0, -0 and either sign", {5, 4, 0}, 5,
        [&](auto& then, auto& now) {
            now.logprobs = then.logprobs, now.values = then.values;
            then.advantages(0, 0) = 0.0, then.advantages(0, 1) = -0.0, then.advantages(0, 2) = 1.0,
                               then.advantages(0, 3) = -1.0;
        });
    add("models alike: no KL", {5, 4, 0}, 5, [&](auto& then, auto&) { then.ref_logprobs = then.logprobs; });
    add("rewards, values and advantages alike: no variance", {5, 4, 0}, 5,
        [&](auto& then, auto&) { fill(then.rewards, 0.25), fill(then.values, 0.0), fill(then.advantages, 2.0); });
    add("values exactly on the clip bounds", {5, 5, 4}, 5, [&](auto& then, auto& now) {
        now.values = then.values + 0.2;
        for (int b = 0; b < 3; ++b)
            now.values(b, 1) = then.values(b, 1) - 0.2, now.values(b, 4) = then.values(b, 4) - 0.2;
    });
    add("both value errors alike, on either side of the return", {5, 5, 4}, 5, [&](auto& then, auto& now) {
        for (int b = 0; b < 3; ++b)
            for (int t = 0; t < 5; ++t) {  // V' = ±0.2: the return lies half way to V
                double const side = (b + t) % 2 ? 1.0 : -1.0;
                then.values(b, t) = 0.0, now.values(b, t) = side, then.returns(b, t) = side * 0.5 * (1.0 + 0.2);
            }
    });
    add("ratios beside the clip bounds", {5, 5, 4}, 5, [&](auto& then, auto& now) {
        for (int b = 0; b < 3; ++b)
            for (int t = 0; t < 5; ++t)
                now.logprobs(b, t) = then.logprobs(b, t) + std::log(t % 2 ? 1.2 : 0.8) + ((b + t) % 3 - 1) * 1e-9;
    });
    double const far[] = {800.0, -800.0, 700.0, -745.0, 1e-300};
    add("ratios that overflow and underflow", {5, 5, 5}, 5, [&](auto& then, auto& now) {
        for (int t = 0; t < 5; ++t)
            for (int b = 0; b < 3; ++b) {
                now.logprobs(b, t) = then.logprobs(b, t) + far[t];
                then.advantages(b, t) = b - 1.0;  // -1, 0, 1
            }
    });
    add("reference far away: k3 overflows", {5, 4, 0}, 5, [&](auto& then, auto&) {
        for (int t = 0; t < 5; ++t) then.ref_logprobs(0, t) = then.logprobs(0, t) + far[t];
    });
    add("numbers near the largest and the smallest", {5, 5, 5}, 5, [&](auto& then, auto& now) {
        then.values(0, 1) = 1e200, now.values(0, 1) = -1e200, now.values(1, 2) = 1e160, then.returns(1, 3) = -1e160;
        then.advantages(2, 0) = 1e-310, then.rewards(1, 1) = 5e-324, then.scores(2, 0) = 1e150;
    });
    return all;
}

}  // namespace support
