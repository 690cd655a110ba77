// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>
#include <torch/headeronly/version.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <proximal/io/atomic_file.hpp>
#include <proximal/run/markdown_table.hpp>
#include <proximal/run/recorded_run.hpp>
#include <string>
#include <vector>

#include "judged_answers.hpp"
#include "results_page.hpp"

namespace tldr {

/// The points of a run's over-optimisation curve, from its metrics.jsonl: held-out prompts answered after so many
/// updates.
inline std::vector<curve_point> curve_of(stage const& run) {
    auto const recorded = px::run::read_run(run.folder);
    auto const at = [&](char const* name, std::int64_t update) {
        auto const found = recorded.values.find(name);
        if (found == recorded.values.end() || !found->second.contains(update)) return std::nan("");
        return found->second.at(update);
    };
    std::vector<curve_point> points;
    auto const updates = recorded.values.find("eval/rewards/gold");
    if (updates == recorded.values.end()) return points;
    for (auto const& [update, gold] : updates->second)
        points.push_back({.update = update,
                          .kl = at("eval/kl", update),
                          .gold = gold,
                          .proxy = at("eval/scores", update),
                          .rouge_l = at("eval/rewards/rouge_l", update),
                          .grounded = at("eval/rewards/grounded", update),
                          .eos_rate = at("eval/eos_rate", update)});
    return points;
}

/// The point with the best gold score among those that keep nine tenths of the first one's ROUGE-L; none where only the
/// first does.
inline std::optional<curve_point> best_stop(std::vector<curve_point> const& points) {
    std::optional<curve_point> best;
    for (auto const& point : points)
        if (point.update > 0 && point.rouge_l >= 0.9 * points.front().rouge_l && (!best || point.gold > best->gold))
            best = point;
    return best;
}

/// Judges everything and writes OUTPUT_DIR/results.json, results.md and report.html; the last words on stdout are the
/// table.
inline void write_results(material const& from, stage const& sft, stage const& reward, std::vector<stage> const& runs,
                          miniature_options const& options, double seconds) {
    auto examples = from.texts.test;
    examples.resize(std::min(examples.size(), static_cast<std::size_t>(options.judged)));
    auto const proxy = px::lm::load_sequence_classifier(reward.folder);
    std::vector<std::vector<std::int64_t>> real;
    for (auto const& row : demonstrations(examples, from.words)) real.push_back(row.completion);
    fmt::print("\njudging    {} held-out prompts\n", examples.size());
    auto const references = judged("reference", examples, real, from, proxy);
    auto const of = [&](std::string const& name, stage const& s) {
        return judged(name, examples,
                      answers_of(px::lm::load_causal_lm(s.folder), examples, from, options.response_length), from,
                      proxy);
    };
    results found{.examples = examples, .references = references, .fine_tuned = of("sft", sft), .runs = {}};
    for (auto const& run : runs) {
        found.runs.push_back({.answers = of(run.folder.filename().string(), run),
                              .seed = run.result().at("seed").get<std::int64_t>(),
                              .curve = curve_of(run)});
        found.runs.back().stop = best_stop(found.runs.back().curve);
    }
    for (std::size_t at = 0; at < options.others.size();) {
        auto const end = std::min(options.others.find(',', at), options.others.size());
        auto const word = options.others.substr(at, end - at);
        auto const equals = word.find('=');
        if (equals == std::string::npos) throw std::invalid_argument("--others " + word + ": write NAME=FOLDER");
        found.others.push_back(of(word.substr(0, equals), {word.substr(equals + 1)}));
        at = end + 1;
    }
    auto const number = [](double x) {
        return std::isfinite(x) ? nlohmann::ordered_json(x) : nlohmann::ordered_json();
    };
    auto const rate_json = [&](rate const& r) {
        return nlohmann::ordered_json{
            {"win_rate", number(r.value)}, {"low", r.interval.low}, {"high", r.interval.high}};
    };
    nlohmann::ordered_json seeds = nlohmann::ordered_json::array();
    for (auto const& run : found.runs) {
        auto const sft_rate = win_rate_of(found.fine_tuned, references, by_gold);
        auto const ppo_rate = win_rate_of(run.answers, references, by_gold);
        nlohmann::ordered_json one{{"seed", run.seed},
                                   {"sft_win_rate", sft_rate.value},
                                   {"ppo_win_rate", ppo_rate.value},
                                   {"kl", run.curve.empty() ? number(std::nan("")) : number(run.curve.back().kl)},
                                   {"rouge_l", run.answers.mean(by_rouge_l)},
                                   {"sft_rouge_l", found.fine_tuned.mean(by_rouge_l)},
                                   {"eos_rate", run.answers.eos_rate},
                                   {"response_length", run.answers.mean_length}};
        for (std::size_t j = 0; j < judge_count; ++j) {
            nlohmann::ordered_json row{{"sft_mean", found.fine_tuned.mean(j)}, {"ppo_mean", run.answers.mean(j)}};
            if (judges_reference(j)) {
                row["sft_over_reference"] = rate_json(win_rate_of(found.fine_tuned, references, j));
                row["ppo_over_reference"] = rate_json(win_rate_of(run.answers, references, j));
                auto const a = verdicts(run.answers, references, j), b = verdicts(found.fine_tuned, references, j);
                auto const paired = px::judge::compare(a, b);
                row["difference"] = {{"value", paired.difference},
                                     {"low", paired.difference_interval.low},
                                     {"high", paired.difference_interval.high},
                                     {"p", paired.bootstrap_p}};
            }
            row["ppo_over_sft"] = rate_json(win_rate_of(run.answers, found.fine_tuned, j));
            one["judges"][judge_names[j]] = row;
        }
        for (auto const& point : run.curve) one["curve"].push_back(to_json(point));
        if (run.stop) one["best_stop"] = to_json(*run.stop);
        else one["best_stop"] = nullptr;
        seeds.push_back(one);
    }
    nlohmann::ordered_json others = nlohmann::ordered_json::object();
    for (auto const& other : found.others)
        others[other.name] = {{"win_rate", win_rate_of(other, references, by_gold).value},
                              {"gold", other.mean(by_gold)},
                              {"proxy", other.mean(by_proxy)},
                              {"rouge_l", other.mean(by_rouge_l)},
                              {"eos_rate", other.eos_rate},
                              {"response_length", other.mean_length}};
    nlohmann::ordered_json const result{{"miniature",
                                         {{"algorithm", options.algorithm},
                                          {"seeds", seeds},
                                          {"others", others},
                                          {"sft", sft.result()},
                                          {"reward_model", reward.result()},
                                          {"judged_prompts", examples.size()},
                                          {"texts", from.texts.origin},
                                          {"options", px::run::to_json_object(options)},
                                          {"libtorch", TORCH_VERSION},
                                          {"seconds_of_this_call", seconds}}}};
    auto const folder = std::filesystem::path(options.output_dir);
    px::io::write_file(folder / "results.json", result.dump(2) + "\n");
    auto const table = results_table(found);
    px::io::write_file(folder / "results.md", table);
    px::io::write_file(folder / "report.html", results_page(found, result));
    fmt::print("\n{}\nresults    {}\nreport     {}\n", table, (folder / "results.json").string(),
               (folder / "report.html").string());
}

}  // namespace tldr
