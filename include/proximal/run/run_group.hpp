// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <proximal/run/plot.hpp>
#include <proximal/run/recorded_run.hpp>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace proximal::run {

/// Runs that are told the same but for what does not count, their seeds: drawn as one curve.
struct run_group {
    std::string name;
    std::vector<recorded_run> runs;

    /// The mean of a metric over the runs, with the band of one standard deviation where there are several. At each of
    /// the runs' episodes, each run that reaches it counts by linear interpolation between its two neighbours; one that
    /// has no number there does not.
    /// Source: openrlbenchmark's rlops_multi_metrics draws runs so.
    curve over_episodes(std::string const& metric) const {
        std::vector<curve> each;
        std::set<double> at;
        for (auto const& run : runs) {
            each.push_back(run.over_episodes(metric));
            at.insert(each.back().x.begin(), each.back().x.end());
        }
        if (runs.size() == 1) {
            each.front().title = name;
            return each.front();
        }
        curve mean{name, {}, {}};
        for (double const x : at) {
            double count = 0.0, sum = 0.0, squares = 0.0;
            for (auto const& one : each)
                if (double const y = value_at(one, x); std::isfinite(y)) count += 1.0, sum += y;
            double const centre = sum / count;
            for (auto const& one : each)
                if (double const y = value_at(one, x); std::isfinite(y)) squares += (y - centre) * (y - centre);
            double const spread = count > 1.0 ? std::sqrt(squares / (count - 1.0)) : 0.0;
            mean.x.push_back(x);
            mean.y.push_back(centre);  // 0 / 0, a gap, where no run has a number
            mean.low.push_back(centre - spread);
            mean.high.push_back(centre + spread);
        }
        return mean;
    }

   private:
    static double value_at(curve const& c, double x) {
        auto const after = std::lower_bound(c.x.begin(), c.x.end(), x);
        if (after == c.x.end()) return std::nan("");
        auto const i = static_cast<std::size_t>(after - c.x.begin());
        if (*after == x) return c.y[i];
        if (i == 0) return std::nan("");
        return c.y[i - 1] + (c.y[i] - c.y[i - 1]) * (x - c.x[i - 1]) / (c.x[i] - c.x[i - 1]);
    }
};

/// The fields of a configuration in which runs of one group may differ: what does not say what is learnt.
inline constexpr std::array<std::string_view, 7> fields_not_grouped_by{
    "seed", "run_name", "output_dir", "report_to", "disable_tqdm", "logging_dir", "provenance"};

/// Puts runs of equal fields together, in the order given; no fields: all but fields_not_grouped_by. A run without a
/// configuration stands alone. A group is named by the values of its fields that are not the same in all groups.
/// Throws std::invalid_argument for a field that no run's configuration has.
inline std::vector<run_group> group_runs(std::vector<recorded_run> runs, std::vector<std::string> fields = {}) {
    bool const all = fields.empty();
    std::set<std::string> known;
    for (auto const& run : runs)
        for (auto const& [key, value] : run.config.items()) known.insert(key);
    for (auto const& field : fields)
        if (!known.contains(field))
            throw std::invalid_argument("--group_by " + field + ": no run's config_ppo.json has that field");
    if (all)
        for (auto const& key : known)
            if (std::find(fields_not_grouped_by.begin(), fields_not_grouped_by.end(), key) ==
                fields_not_grouped_by.end())
                fields.push_back(key);
    std::vector<std::pair<nlohmann::ordered_json, run_group>> groups;
    for (auto& run : runs) {
        nlohmann::ordered_json key = nlohmann::ordered_json::object();
        for (auto const& field : fields)
            key[field] = run.config.contains(field) ? run.config[field] : nlohmann::ordered_json();
        if (run.config.empty()) key = run.folder.string();
        auto at = std::find_if(groups.begin(), groups.end(), [&](auto const& group) { return group.first == key; });
        if (at == groups.end()) at = groups.emplace(groups.end(), key, run_group());
        at->second.runs.push_back(std::move(run));
    }
    std::vector<run_group> named;
    named.reserve(groups.size());
    for (auto& [key, group] : groups) {
        for (auto const& field : fields) {
            bool const differs = std::any_of(groups.begin(), groups.end(), [&, &own = key](auto const& other) {
                return own.is_object() && other.first.is_object() && other.first[field] != own[field];
            });
            if (!differs && (all || groups.size() > 1)) continue;
            auto const text =
                key.is_object() ? (key[field].is_string() ? key[field].template get<std::string>() : key[field].dump())
                                : "";
            if (key.is_object())
                group.name += (group.name.empty() ? "" : ", ") + (field == "exp_name" ? text : field + " " + text);
        }
        if (group.name.empty()) group.name = group.runs.front().name();
    }
    for (auto& [key, group] : groups) named.push_back(std::move(group));
    return named;
}

}  // namespace proximal::run
