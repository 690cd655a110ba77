// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <proximal/run/completions_table.hpp>
#include <proximal/run/line_log.hpp>
#include <proximal/run/trainer_callback.hpp>
#include <string>

namespace proximal::run {

/// Appends each table of samples to OUTPUT_DIR/samples.jsonl, a JSON object a row: {"update", "episode", "query",
/// "response", "score"}, and what else the table has a column of under its heading. A cell that is a number is one; a
/// score that is none is null; broken UTF-8 becomes U+FFFD. A resumed run goes on after the samples of the updates
/// done. A run without tables has no such file.
class samples_log final : public trainer_callback {
   public:
    void on_train_begin(trainer_state& state) override {
        auto const file = state.output_dir / "samples.jsonl";
        if (std::filesystem::exists(file)) out_.begin_or_go_on(file, state.update);
    }
    void on_completions(trainer_state& state, completions_table const& table) override {
        if (!out_.is_open()) out_.begin(state.output_dir / "samples.jsonl");
        for (auto const& row : table.rows) {
            nlohmann::ordered_json sample{{"update", state.update}, {"episode", state.episode}};
            for (std::size_t k = 0; k < table.headings.size() && k < row.size(); ++k) {
                auto const& heading = table.headings[k];
                bool const is_text = heading == "query" || heading == "model response";
                sample[heading == "model response" ? "response" : heading] =
                    is_text ? nlohmann::ordered_json(row[k]) : number_or_text(row[k]);
            }
            out_.write(sample.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
        }
    }

   private:
    static nlohmann::ordered_json number_or_text(std::string const& cell) {
        if (cell == "nan" || cell == "-nan") return nullptr;
        auto const parsed = nlohmann::json::parse(cell, nullptr, /*allow_exceptions=*/false);
        return parsed.is_number() ? nlohmann::ordered_json(parsed) : nlohmann::ordered_json(cell);
    }
    line_log out_;
};

}  // namespace proximal::run
