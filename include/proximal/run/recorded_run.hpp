// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <proximal/run/line_log.hpp>
#include <proximal/run/plot.hpp>
#include <proximal/run/run_directory.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace proximal::run {

/// What a run has written into its folder, read back: also while it goes on, and also of an old run that wrote less.
struct recorded_run {
    std::filesystem::path folder;
    nlohmann::ordered_json config = nlohmann::ordered_json::object();  // what it was told; empty where unknown
    std::vector<std::string> metrics;  // of metrics.jsonl, in the order in which they appeared
    std::map<std::string, std::map<std::int64_t, double>> values;  // of each, by update; NaN where it was no number
    std::vector<nlohmann::ordered_json> samples;                   // lines of samples.jsonl
    std::vector<nlohmann::ordered_json> findings;                  // lines of findings.jsonl

    /// The last part of the folder's name.
    std::string name() const { return folder.filename().string(); }
    /// A metric over episodes; over updates where the run logged no episodes. Empty where it has no such metric.
    curve over_episodes(std::string const& metric) const {
        curve c{metric, {}, {}};
        auto const found = values.find(metric), episodes = values.find("episode");
        if (found == values.end()) return c;
        for (auto const& [update, value] : found->second) {
            double x = static_cast<double>(update);
            if (episodes != values.end()) {
                auto const at = episodes->second.find(update);
                if (at == episodes->second.end()) continue;  // before the first update
                x = at->second;
            }
            c.x.push_back(x);
            c.y.push_back(value);
        }
        return c;
    }
};

namespace detail {
inline std::vector<nlohmann::ordered_json> json_lines(std::filesystem::path const& file) {
    std::vector<nlohmann::ordered_json> objects;
    for (auto const& line : whole_lines(file)) {
        auto object = nlohmann::ordered_json::parse(line, nullptr, /*allow_exceptions=*/false);
        if (object.is_object()) objects.push_back(std::move(object));
    }
    return objects;
}
}  // namespace detail

/// Reads a run's folder. Of two numbers of one metric and update the later counts; a line that is no JSON object is
/// passed over, as is the half of one that a killed run leaves. Throws std::invalid_argument where the folder holds no
/// metrics.jsonl.
inline recorded_run read_run(std::filesystem::path const& folder) {
    recorded_run run;
    run.folder = folder.lexically_normal();
    if (!run.folder.has_filename()) run.folder = run.folder.parent_path();
    if (run.folder == "." || run.folder == "..")
        run.folder = std::filesystem::absolute(folder).lexically_normal().parent_path();
    auto const file = folder / "metrics.jsonl";
    if (!std::filesystem::exists(file))
        throw std::invalid_argument(folder.string() + " holds no metrics.jsonl: name the folder of a run");
    for (auto const& line : whole_lines(file)) {
        auto const logged = nlohmann::ordered_json::parse(line, nullptr, /*allow_exceptions=*/false);
        if (!logged.is_object() || !logged.contains("update") || !logged["update"].is_number()) continue;
        auto const update = logged["update"].get<std::int64_t>();
        for (auto const& [name, value] : logged.items()) {
            if (name == "update" || !(value.is_number() || value.is_null())) continue;
            auto const [at, is_new] = run.values.try_emplace(name);
            if (is_new) run.metrics.push_back(name);
            at->second[update] = value.is_number() ? value.get<double>() : std::numeric_limits<double>::quiet_NaN();
        }
    }
    for (auto const* const record : run_records) {
        std::ifstream in(folder / record, std::ios::binary);
        auto config = nlohmann::ordered_json::parse(in, nullptr, /*allow_exceptions=*/false);
        if (config.is_object()) run.config = std::move(config);
    }
    run.samples = detail::json_lines(folder / "samples.jsonl");
    run.findings = detail::json_lines(folder / "findings.jsonl");
    return run;
}

}  // namespace proximal::run
