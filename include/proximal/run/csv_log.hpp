// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <proximal/run/line_log.hpp>
#include <proximal/run/log_history.hpp>
#include <proximal/run/trainer_callback.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace proximal::run {

/// A field of a CSV line: in quotes where it holds a comma, a quote or a line break. Source: RFC 4180.
inline std::string csv_field(std::string_view text) {
    if (text.find_first_of(",\"\r\n") == std::string_view::npos) return std::string(text);
    std::string quoted = "\"";
    for (char const c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
    return quoted + '"';
}

/// The fields of a CSV line.
inline std::vector<std::string> csv_fields(std::string_view line) {
    std::vector<std::string> fields(1);
    bool quoted = false;
    for (std::size_t i = 0; i < line.size(); ++i) {
        if (quoted && line[i] == '"' && i + 1 < line.size() && line[i + 1] == '"') fields.back() += line[++i];
        else if (line[i] == '"') quoted = !quoted;
        else if (line[i] == ',' && !quoted) fields.emplace_back();
        else fields.back() += line[i];
    }
    return fields;
}

/// Writes the metrics as a table, OUTPUT_DIR/metrics.csv: a row per update, and one per evaluation; a column per
/// metric. A cell is empty where its row has no such metric, `nan` where it is none.
///
/// A metric that appears later adds a column: the file is written again beside and renamed. A resumed run goes on after
/// the rows of the updates done; in another folder than the checkpoint's it begins with them.
class csv_log final : public trainer_callback {
   public:
    void on_train_begin(trainer_state& state) override {
        path_ = state.output_dir / "metrics.csv";
        columns_ = {"update"};
        if (state.update == 0) return begin();
        bool is_first = true;
        auto const kept = out_.go_on(path_, [&](std::string const& line) {
            bool const is_header = std::exchange(is_first, false);
            return is_header || std::strtoll(line.c_str(), nullptr, 10) <= state.update;
        });
        if (kept.empty()) {
            begin();
            for (auto const& point : earlier_points(state)) write(point.update, point.numbers);
            return;
        }
        columns_ = csv_fields(kept.front());
        out_.begins_with(header());
    }
    void on_log(trainer_state& state, metrics const& logged) override { write(state.update, logged); }
    void on_evaluate(trainer_state& state, metrics const& measured) override { write(state.update, measured); }

   private:
    void begin() {
        out_.begin(path_);
        out_.begins_with(header());
        out_.write(header());
    }
    std::string header() const {
        std::string line;
        for (auto const& column : columns_) {
            if (!line.empty()) line += ',';
            line += csv_field(column);
        }
        return line;
    }
    void write(std::int64_t update, metrics const& numbers) {
        std::size_t const before = columns_.size();
        for (auto const& [name, value] : numbers)
            if (std::find(columns_.begin(), columns_.end(), name) == columns_.end()) columns_.push_back(name);
        if (columns_.size() > before) {
            auto lines = whole_lines(path_);
            for (auto& line : lines) line.append(columns_.size() - before, ',');
            if (lines.empty()) lines.emplace_back();  // it was deleted meanwhile
            lines.front() = header();
            out_.replace(path_, lines);
            out_.begins_with(header());
        }
        std::string line = std::to_string(update);
        for (std::size_t k = 1; k < columns_.size(); ++k) {
            auto const* const value = numbers.find(columns_[k]);
            line += value == nullptr ? std::string(",") : fmt::format(",{}", *value);
        }
        out_.write(line);
    }

    std::filesystem::path path_;
    std::vector<std::string> columns_;
    line_log out_;
};

}  // namespace proximal::run
