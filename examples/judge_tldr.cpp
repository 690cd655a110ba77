// SPDX-License-Identifier: Apache-2.0
//
// How often a judge prefers a model's summaries to the references: TRL's judge_tldr.py, with any judge.
#include <proximal/judge/run.hpp>
#include <proximal/lm/reward/model_reward.hpp>
#include <proximal/run/options.hpp>
#include <proximal/run/program.hpp>
#include <proximal/run/spin_briefly.hpp>

#include "answer_prompts.hpp"
#include "reward_model_scorer.hpp"

namespace {
namespace px = proximal;

/// A record's reference. Throws std::runtime_error where it has none.
std::string reference_of(nlohmann::json const& record, std::size_t row) {
    auto const reference = record.is_object() ? record.find("completion") : record.end();
    if (reference == record.end() || !reference->is_string())
        throw std::runtime_error("row " + std::to_string(row + 1) +
                                 " of the data has no text \"completion\", the reference that answers are compared "
                                 "with; " +
                                 px::text::columns_of(record));
    return *reference;
}

std::vector<px::judge::answer_pair> pairs_of(std::vector<examples::answered_prompt> const& answers) {
    std::vector<px::judge::answer_pair> pairs;
    for (std::size_t i = 0; i < answers.size(); ++i)
        pairs.push_back({.id = std::to_string(i),
                         .prompt = answers[i].prompt,
                         .model = answers[i].completion,
                         .reference = reference_of(answers[i].record, i)});
    return pairs;
}
}  // namespace

int main(int argc, char** argv) {
    px::run::spin_briefly(argv);
    return px::run::run_main("judge_tldr", argc, argv, [](std::vector<std::string> const& arguments) {
        examples::judge_tldr_config config;
        auto const knobs = examples::acting_knobs(config);
        auto const options =
            px::run::parse_options(knobs, "How often a judge prefers a model's answers to the references.", arguments,
                                   examples::idle_data_options());
        if (!options) return 0;
        px::validate(config);
        if (options->print_config) {
            fmt::print("{}", px::run::options_text(knobs, options->given));
            return 0;
        }
        if (config.judge == "endpoint")
            px::judge::chat_settings_of(config);  // a key is missing before anything is done
        px::judge::judge_hooks hooks;
        if (config.judge == "reward_model")
            hooks.score = examples::reward_model_scorer(config.reward_model_path, config.use_cpu);
        px::io::stop_signals const signals;
        auto const folder = std::filesystem::path(config.output_dir);
        auto const answers =
            examples::answer_prompts(config, config, config.num_examples, config.seed, folder / "answers.jsonl",
                                     [](px::text::prompt_dataset const& asked) {
                                         for (std::size_t i = 0; i < asked.prompts.size(); ++i)
                                             reference_of(asked.record(i), i);
                                     });
        auto const pairs = pairs_of(answers);
        px::run::progress_bar bar("judging", std::ssize(pairs));
        hooks.progress = [&](std::int64_t done, std::int64_t, px::judge::tally const&) { bar.show(done); };
        hooks.say = [](std::string const& sentence) { fmt::print("judge      {}\n", sentence); };
        auto const report = px::judge::run(config, pairs, hooks);
        bar.finish();
        px::judge::write_report(folder, report);
        fmt::print("{}", px::judge::to_text(report));
        px::judge::require_whole(report);
        return 0;
    });
}
