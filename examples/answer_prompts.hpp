// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <proximal/io/atomic_file.hpp>
#include <proximal/io/hub.hpp>
#include <proximal/io/json_file.hpp>
#include <proximal/io/stop_signal.hpp>
#include <proximal/libtorch/device.hpp>
#include <proximal/lm/generation/generate.hpp>
#include <proximal/lm/generation/greedy_sampler.hpp>
#include <proximal/lm/generation/multinomial_sampler.hpp>
#include <proximal/lm/model/load_model.hpp>
#include <proximal/lm/train/run_inputs.hpp>
#include <proximal/run/line_log.hpp>
#include <proximal/run/progress_bar.hpp>
#include <proximal/run/random_stream.hpp>
#include <proximal/text/prompt_dataset.hpp>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "data_formats.hpp"
#include "generating_options.hpp"

namespace examples {

/// An answered prompt, as a line of the file has it.
struct answered_prompt {
    std::string prompt, completion;
    nlohmann::json record;
};

/// The prompts of the train split that a configuration names, the first `most`, those left out told.
inline proximal::text::prompt_dataset named_prompts(proximal::run::data_options const& data,
                                                    proximal::text::tokenizer const& tokenizer, std::int64_t positions,
                                                    std::int64_t response_length, std::optional<std::int64_t> most) {
    namespace px = proximal;
    if (!data.dataset_name)
        throw std::invalid_argument("--dataset_name is missing: it names the prompts, a file, a folder or a Hub id");
    auto const files = px::text::find_dataset(*data.dataset_name, {data.dataset_train_split, data.dataset_test_split});
    auto table = px::text::read_all(files.train, data_formats());
    auto note = px::text::missing_rows(files.train_rows, table.records.size(), *data.dataset_name);
    auto read = px::text::prompts_of(std::move(table), tokenizer,
                                     {.max_prompt_length = data.max_prompt_length,
                                      .query = px::lm::configured_query(data),
                                      .how = {.threads = static_cast<std::size_t>(data.dataset_num_proc.value_or(0))}},
                                     *data.dataset_name);
    read.note = std::move(note);
    auto fit = px::lm::fitting(read, positions, response_length, *data.dataset_name);
    if (most && static_cast<std::size_t>(*most) < fit.prompts.size()) {
        fit.prompts.resize(static_cast<std::size_t>(*most));
        fit.records.resize(fit.prompts.size());
    }
    return fit;
}

/// Refuses to go on with answers that another model gave, or with other options: FILE.settings.json says what gave
/// them. Begun anew, it is written.
inline void check_settings(std::filesystem::path const& file, nlohmann::ordered_json const& settings) {
    namespace px = proximal;
    auto const beside = std::filesystem::path(file).concat(".settings.json");
    bool const goes_on = std::filesystem::exists(file) && std::filesystem::file_size(file) > 0;
    if (!goes_on) return px::io::write_file(beside, settings.dump(2) + "\n");
    auto const written = std::filesystem::exists(beside) ? px::io::read_json(beside) : nlohmann::json::object();
    for (auto const& [name, value] : settings.items())
        if (auto const then = written.value(name, nlohmann::json()); then != nlohmann::json(value))
            throw std::runtime_error(
                fmt::format("{} holds answers with another {} ({}, and now {}): name another file or "
                            "folder, or remove it",
                            file.string(), name, then.dump(), value.dump()));
}

/// What may refuse the prompts before any is answered, by throwing.
using prompts_check = std::function<void(proximal::text::prompt_dataset const&)>;

/// Answers prompts and appends each answer to `file` at once, {"prompt", "completion", "record"} a line; what is there
/// already, of the same prompts in the same order, is gone on with. A draw depends on the seed and the prompt's place.
/// `check` sees the prompts before any is answered. Throws std::runtime_error where the file holds answers to other
/// prompts or of another model, and io::interrupted after a signal.
inline std::vector<answered_prompt> answer_prompts(generating_options const& how,
                                                   proximal::run::data_options const& data,
                                                   std::optional<std::int64_t> most, std::uint64_t seed,
                                                   std::filesystem::path const& file, prompts_check const& check = {}) {
    namespace px = proximal;
    if (file.has_filename() && std::filesystem::is_directory(file))
        throw std::invalid_argument(file.string() + " is a folder: name a file for the answers");
    if (!how.model_name_or_path)
        throw std::invalid_argument("--model_name_or_path is missing: it names the folder or Hub id of the model");
    auto const path = px::io::resolve_model(*how.model_name_or_path);
    auto const tokenizer = px::text::tokenizer::load(path);
    auto const device = px::libtorch::choose_device(how.use_cpu);
    auto const model = px::lm::load_causal_lm(path, at::kFloat, device);
    fmt::print("model      {} on {}\n", path.string(), device.str());
    auto const asked = named_prompts(data, tokenizer, model.body->max_positions(), how.response_length, most);
    if (check) check(asked);
    std::vector<answered_prompt> answers;
    px::run::line_log log;
    std::error_code fails;
    if (file.has_parent_path()) std::filesystem::create_directories(file.parent_path(), fails);
    if (fails)
        throw std::runtime_error("the folder " + file.parent_path().string() + " cannot be made: " + fails.message() +
                                 "; name another place for the answers");
    check_settings(file, {{"model", std::filesystem::weakly_canonical(path).string()},
                          {"temperature", how.temperature},
                          {"response_length", how.response_length},
                          {"seed", seed}});
    for (auto const& line : log.go_on(file, [](std::string const&) { return true; })) {
        auto const i = answers.size();
        auto const object = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
        if (!object.is_object() || i >= asked.prompts.size() ||
            object.value("prompt", std::string()) != tokenizer.decode(asked.prompts[i], true))
            throw std::runtime_error(
                fmt::format("{} holds answers to other prompts (line {}): name another file, or "
                            "remove it",
                            file.string(), i + 1));
        answers.push_back({object["prompt"], object.value("completion", std::string()), asked.record(i)});
    }
    if (!answers.empty()) fmt::print("note       {} answers of an earlier call are kept\n", answers.size());
    px::run::progress_bar bar("answering", std::ssize(asked.prompts), true, std::ssize(answers));
    at::NoGradGuard const no_gradient;
    px::lm::sampling const sampling{.temperature = how.temperature > 0.0 ? how.temperature : 1.0,
                                    .max_new_tokens = how.response_length,
                                    .stop_token = tokenizer.eos_token_id(),
                                    .pad_token = tokenizer.pad_token_id().value_or(0)};
    while (answers.size() < asked.prompts.size()) {
        px::io::throw_if_stopped();
        auto const first = answers.size(),
                   last = std::min(asked.prompts.size(), first + static_cast<std::size_t>(how.batch_size));
        std::vector<std::vector<std::int64_t>> const chunk(asked.prompts.begin() + static_cast<std::ptrdiff_t>(first),
                                                           asked.prompts.begin() + static_cast<std::ptrdiff_t>(last));
        auto const drawn =
            how.temperature > 0.0
                ? px::lm::generate(model, chunk, sampling,
                                   px::lm::multinomial_sampler{px::run::stream_seed(seed, "answers"), first})
                : px::lm::generate(model, chunk, sampling, px::lm::greedy_sampler{});
        auto const responses = px::lm::responses_of(drawn);
        for (std::size_t i = 0; i < responses.size(); ++i) {
            answers.push_back(
                {tokenizer.decode(chunk[i], true), tokenizer.decode(responses[i], true), asked.record(first + i)});
            auto const& done = answers.back();
            log.write(
                nlohmann::json{{"prompt", done.prompt}, {"completion", done.completion}, {"record", done.record}}.dump(
                    -1, ' ', false, nlohmann::json::error_handler_t::replace));
        }
        bar.show(std::ssize(answers));
    }
    bar.finish();
    return answers;
}

}  // namespace examples
