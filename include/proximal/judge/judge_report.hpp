// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <proximal/io/atomic_file.hpp>
#include <proximal/io/stop_signal.hpp>
#include <proximal/judge/comparison.hpp>
#include <proximal/judge/length_control.hpp>
#include <proximal/judge/outcome_lines.hpp>
#include <proximal/judge/pairwise_judge.hpp>
#include <proximal/judge/win_rate.hpp>
#include <proximal/text/rouge.hpp>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace proximal::judge {

/// F1 of the model's answers against the references, on average over all pairs. Not a verdict.
struct mean_rouge {
    double rouge_1 = 0.0, rouge_2 = 0.0, rouge_l = 0.0;
};

inline mean_rouge rouge_against_references(std::span<answer_pair const> pairs) {
    mean_rouge mean;
    for (auto const& pair : pairs) {
        double const share = 1.0 / static_cast<double>(pairs.size());
        mean.rouge_1 += share * text::rouge_n(pair.model, pair.reference, 1).f1;
        mean.rouge_2 += share * text::rouge_n(pair.model, pair.reference, 2).f1;
        mean.rouge_l += share * text::rouge_l(pair.model, pair.reference).f1;
    }
    return mean;
}

/// What an endpoint took. `estimate` was made before, for all pairs, kept answers too.
struct judging_cost {
    token_usage usage{};
    double cost = 0.0, estimate = 0.0;
    std::int64_t requests = 0, retries = 0, from_cache = 0;
};

/// All that came of a judging. win_rate, trl_win_rate and length_controlled are not there where nothing was judged, and
/// the last neither where one side won every pair.
struct report {
    std::string judge{};  // "gpt-4o-mini at https://api.openai.com/v1", "rouge_l"
    bool is_endpoint = false, both_orders = false;
    std::uint64_t seed = 0;
    judging result{};
    tally counts{};
    std::optional<double> win_rate, trl_win_rate;
    interval wilson{}, bootstrap{};
    double sign_test_p = 1.0;
    std::optional<double> first_preferred{};  // of the verdicts that are no ties: 1/2 where the order plays no part
    std::optional<length_controlled_win_rate> length_controlled{};
    std::vector<length_bucket> by_length{};
    mean_rouge rouge{};
    judging_cost cost{};
    double took = 0.0;  // seconds

    bool is_whole() const { return result.stopped.empty(); }
};

/// The numbers that follow from a judging's outcomes.
inline report make_report(judging result, std::uint64_t seed = 0) {
    report made;
    made.seed = seed;
    auto const& outcomes = result.outcomes;
    made.counts = count(outcomes);
    made.win_rate = win_rate(made.counts);
    made.trl_win_rate = trl_win_rate(made.counts);
    made.wilson = wilson_interval(made.counts.points(), static_cast<double>(made.counts.judged()));
    made.bootstrap = bootstrap_interval(points_of(outcomes), seed);
    made.sign_test_p = sign_test(made.counts.wins, made.counts.losses);
    made.length_controlled = length_controlled(outcomes);
    made.by_length = by_length(outcomes);
    std::int64_t decided = 0, first = 0;
    for (auto const& one : outcomes) {
        if (one.both_orders || (one.result != verdict::win && one.result != verdict::loss)) continue;
        ++decided;
        first += (one.result == verdict::win) == one.model_first;
    }
    if (decided > 0) made.first_preferred = static_cast<double>(first) / static_cast<double>(decided);
    made.result = std::move(result);
    return made;
}

/// The report as JSON; what is not there is null. An infinite bound of a bucket is null.
inline nlohmann::ordered_json to_json(report const& made) {
    using json = nlohmann::ordered_json;
    auto const pair_of = [](interval const& between) { return json::array({between.low, between.high}); };
    auto const or_null = [](std::optional<double> const& value) { return value ? json(*value) : json(); };
    json controlled;
    if (auto const& found = made.length_controlled)
        controlled = {{"win_rate", found->win_rate},
                      {"interval", pair_of(found->confidence)},
                      {"length_effect", found->length_effect}};
    json buckets = json::array();
    for (auto const& bucket : made.by_length)
        buckets.push_back({{"from", bucket.low},
                           {"below", std::isinf(bucket.high) ? json() : json(bucket.high)},
                           {"win_rate", or_null(win_rate(bucket.counts))},
                           {"wins", bucket.counts.wins},
                           {"losses", bucket.counts.losses},
                           {"ties", bucket.counts.ties},
                           {"failures", bucket.counts.failures}});
    return {
        {"judge", made.judge},
        {"seed", made.seed},
        {"both_orders", made.both_orders},
        {"pairs", made.result.total},
        {"stopped", made.is_whole() ? json() : json(made.result.stopped)},
        {"win_rate", or_null(made.win_rate)},
        {"interval", pair_of(made.wilson)},
        {"bootstrap_interval", pair_of(made.bootstrap)},
        {"trl_win_rate", or_null(made.trl_win_rate)},
        {"sign_test_p", made.sign_test_p},
        {"wins", made.counts.wins},
        {"losses", made.counts.losses},
        {"ties", made.counts.ties},
        {"inconsistent", made.counts.inconsistent},
        {"failures", made.counts.failures},
        {"first_preferred", made.is_endpoint ? or_null(made.first_preferred) : json()},
        {"length_controlled", controlled},
        {"by_length", buckets},
        {"rouge", {{"rouge_1", made.rouge.rouge_1}, {"rouge_2", made.rouge.rouge_2}, {"rouge_l", made.rouge.rouge_l}}},
        {"cost",
         {{"cost", made.cost.cost},
          {"estimate", made.cost.estimate},
          {"prompt_tokens", made.cost.usage.prompt_tokens},
          {"completion_tokens", made.cost.usage.completion_tokens},
          {"requests", made.cost.requests},
          {"retries", made.cost.retries},
          {"from_cache", made.cost.from_cache}}},
        {"seconds", made.took}};
}

/// The report for a terminal. Of a whole judging the last line is TRL's, "Model win rate: 64.70%"; of one that was
/// stopped, or that judged nothing, no line is, so that nobody takes a part for the whole.
inline std::string to_text(report const& made) {
    auto const percent = [](double share) { return fmt::format("{:.2f} %", 100.0 * share); };
    auto const between = [](interval const& of) {
        return fmt::format("{:.2f} to {:.2f}", 100 * of.low, 100 * of.high);
    };
    auto const& counts = made.counts;
    std::string text = fmt::format("judge      {}\n", made.judge);
    text +=
        fmt::format("pairs      {} of {}: {} wins, {} losses, {} ties{}, {} failures\n", counts.total(),
                    made.result.total, counts.wins, counts.losses, counts.ties,
                    made.both_orders ? fmt::format(" ({} inconsistent)", counts.inconsistent) : "", counts.failures);
    std::map<std::string_view, std::int64_t> reasons;
    for (auto const& one : made.result.outcomes)
        if (one.result == verdict::failure) ++reasons[one.why];
    std::vector<std::pair<std::int64_t, std::string_view>> ranked;
    ranked.reserve(reasons.size());
    for (auto const& [why, times] : reasons) ranked.emplace_back(-times, why);
    std::sort(ranked.begin(), ranked.end());
    for (std::size_t i = 0; i < std::min<std::size_t>(ranked.size(), 3); ++i)
        text += fmt::format("           failed {} times: {}\n", -ranked[i].first, ranked[i].second);
    if (made.win_rate) {
        text += fmt::format("win rate   {} (95 %: {} by Wilson, {} by bootstrap; sign test p = {:.2g})\n",
                            percent(*made.win_rate), between(made.wilson), between(made.bootstrap), made.sign_test_p);
        if (std::abs(*made.win_rate - *made.trl_win_rate) > 1e-12)
            text +=
                fmt::format("           {} as TRL counts, a tie or a failure as a loss\n", percent(*made.trl_win_rate));
        if (auto const& found = made.length_controlled)
            text += fmt::format("length     controlled {} (95 %: {}); the judge prefers {} answers, by {:.2f}\n",
                                percent(found->win_rate), between(found->confidence),
                                found->length_effect < 0 ? "shorter" : "longer", std::abs(found->length_effect));
        for (auto const& bucket : made.by_length)
            if (bucket.counts.judged() > 0)
                text += fmt::format("           {:>4} to {:<4} times as long: {} of {}\n", bucket.low,
                                    std::isinf(bucket.high) ? "any" : fmt::format("{}", bucket.high),
                                    percent(*win_rate(bucket.counts)), bucket.counts.judged());
        if (made.is_endpoint && made.first_preferred)
            text += fmt::format("order      the answer shown first won {}\n", percent(*made.first_preferred));
    }
    text += fmt::format("ROUGE      1: {:.4f}, 2: {:.4f}, L: {:.4f} (F1 against the references)\n", made.rouge.rouge_1,
                        made.rouge.rouge_2, made.rouge.rouge_l);
    if (made.is_endpoint)
        text += fmt::format(
            "cost       {:.4g} (estimated {:.4g}); {} tokens read, {} written; {} requests, {} of them "
            "retries, {} answers kept from before\n",
            made.cost.cost, made.cost.estimate, made.cost.usage.prompt_tokens, made.cost.usage.completion_tokens,
            made.cost.requests, made.cost.retries, made.cost.from_cache);
    if (!made.is_whole())
        return text +
               fmt::format("stopped    {}{}\n", made.result.stopped,
                           made.win_rate ? fmt::format("; the win rate so far is {}", percent(*made.win_rate)) : "");
    if (!made.win_rate) return text + "no pair was judged, so there is no win rate\n";
    return text + fmt::format("Model win rate: {:.2f}%\n", 100.0 * *made.win_rate);
}

/// Keeps a judging, whole or not: judge.json, and judge_outcomes.jsonl, which compare() can read again.
/// Throws std::runtime_error where they cannot be written.
inline void write_report(std::filesystem::path const& folder, report const& made) {
    std::filesystem::create_directories(folder);
    write_outcomes(folder / "judge_outcomes.jsonl", made.result.outcomes);
    io::write_file(folder / "judge.json",
                   to_json(made).dump(2, ' ', true, nlohmann::json::error_handler_t::replace) + '\n');
}

/// What a program calls last, when the report is kept and shown: nothing where all pairs were got through and one at
/// least was judged. Throws io::interrupted where a signal stopped it, and else std::runtime_error with the one
/// sentence that says why.
inline void require_whole(report const& made) {
    if (made.result.signal != 0) throw io::interrupted(made.result.signal);
    if (!made.is_whole()) throw std::runtime_error(made.result.stopped);
    if (made.win_rate) return;
    if (made.result.outcomes.empty()) throw std::runtime_error("there was no pair to judge: give some");
    throw std::runtime_error(fmt::format("not one of {} pairs could be judged; the last time: {}", made.result.total,
                                         made.result.outcomes.back().why));
}

}  // namespace proximal::judge
