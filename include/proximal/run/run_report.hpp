// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <proximal/io/atomic_file.hpp>
#include <proximal/run/html.hpp>
#include <proximal/run/progress_bar.hpp>
#include <proximal/run/recorded_run.hpp>
#include <proximal/run/report_page.hpp>
#include <proximal/run/run_group.hpp>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace proximal::run {

/// A metric of TRL's and what it is, in a few words.
struct known_metric {
    std::string_view name, about;
};

/// TRL v0.11.4's 17 metrics without `episode`, over which the others are drawn.
inline constexpr std::array<known_metric, 16> trl_metric_names{{
    {"objective/rlhf_reward", "score and KL penalty: what PPO maximises"},
    {"objective/scores", "mean score, after the EOS penalty"},
    {"objective/kl", "KL from the reference, summed over a response"},
    {"objective/non_score_reward", "the KL penalty alone"},
    {"objective/entropy", "−log π summed over a response"},
    {"policy/approxkl_avg", "how far an update moved the policy"},
    {"policy/clipfrac_avg", "share of tokens at the ratio clip"},
    {"policy/entropy_avg", "entropy of a token's distribution"},
    {"loss/policy_avg", "policy loss"},
    {"loss/value_avg", "value loss"},
    {"val/clipfrac_avg", "share of values at the value clip"},
    {"val/ratio", "π / π_old: near 1"},
    {"val/ratio_var", "variance of the ratio over micro-batches"},
    {"val/num_eos_tokens", "EOS tokens sampled"},
    {"lr", "learning rate"},
    {"eps", "episodes per second"},
}};

namespace detail {
/// Points of a curve that are drawn, at most: a screen shows no more.
inline constexpr std::size_t drawn_points = 1000;

/// A curve as JSON; one of more points than are drawn as means of its neighbours.
inline nlohmann::ordered_json drawn(curve const& c) {
    auto const rounded = [](double v) -> nlohmann::ordered_json {
        if (!std::isfinite(v)) return nullptr;
        return nlohmann::ordered_json::parse(fmt::format("{:.6g}", v));
    };
    std::size_t const step = (c.x.size() + drawn_points - 1) / drawn_points;
    auto const thinned = [&](std::vector<double> const& all) {
        auto list = nlohmann::ordered_json::array();
        for (std::size_t i = 0; i < all.size(); i += step) {
            double sum = 0.0, count = 0.0;
            for (std::size_t k = i; k < std::min(i + step, all.size()); ++k)
                if (std::isfinite(all[k])) sum += all[k], count += 1.0;
            list.push_back(rounded(sum / count));
        }
        return list;
    };
    nlohmann::ordered_json json{{"x", thinned(c.x)}, {"y", thinned(c.y)}};
    if (!c.low.empty()) json["lo"] = thinned(c.low), json["hi"] = thinned(c.high);
    return json;
}

inline nlohmann::ordered_json drawn_metrics(std::vector<run_group> const& groups) {
    auto list = nlohmann::ordered_json::array();
    std::set<std::string> seen{"episode"};
    auto const add = [&](std::string const& name, std::string_view about, bool is_trl) {
        if (!seen.insert(name).second) return;
        nlohmann::ordered_json metric{{"name", name}, {"about", about}, {"trl", is_trl}};
        bool measured = false;
        for (auto const& group : groups) {
            auto const c = group.over_episodes(name);
            measured = measured || !c.x.empty();
            metric["series"].push_back(c.x.empty() ? nlohmann::ordered_json() : drawn(c));
        }
        if (measured) list.push_back(std::move(metric));
    };
    for (auto const& [name, about] : trl_metric_names) add(std::string(name), about, true);
    for (auto const& group : groups)
        for (auto const& run : group.runs)
            for (auto const& name : run.metrics) add(name, "", false);
    return list;
}

/// The samples of a run, a table per update that sampled; of many the first, the last and as many between.
inline void add_samples(nlohmann::ordered_json& tables, recorded_run const& run, std::size_t most) {
    std::map<std::int64_t, nlohmann::ordered_json> by_update;
    for (auto const& sample : run.samples) {
        if (!sample.contains("update") || !sample["update"].is_number()) continue;
        nlohmann::ordered_json row;
        for (char const* first : {"query", "response", "score"})
            if (sample.contains(first)) row[first] = sample[first];
        for (auto const& [key, value] : sample.items())
            if (key != "update" && key != "episode" && !row.contains(key)) row[key] = value;
        by_update[sample["update"].get<std::int64_t>()].push_back(std::move(row));
    }
    std::size_t i = 0, next = 0;
    for (auto& [update, rows] : by_update) {
        std::size_t const count = by_update.size();
        if (count <= most || i == next * (count - 1) / std::max<std::size_t>(1, most - 1)) {
            ++next;
            tables.push_back({{"run", run.name()}, {"update", update}, {"rows", std::move(rows)}});
        }
        ++i;
    }
}

inline nlohmann::ordered_json phases_of(recorded_run const& run) {
    auto parts = nlohmann::ordered_json::array();
    std::size_t updates = 0;
    for (auto const& name : run.metrics) {
        if (!name.starts_with("time/")) continue;
        double seconds = 0.0;
        for (auto const& [update, value] : run.values.at(name)) seconds += std::isfinite(value) ? value : 0.0;
        updates = std::max(updates, run.values.at(name).size());
        parts.push_back({{"name", name.substr(5)}, {"seconds", seconds}});
    }
    if (parts.empty()) return nullptr;
    return {{"name", run.name()}, {"updates", updates}, {"parts", parts}};
}

inline nlohmann::ordered_json configurations(std::vector<recorded_run const*> const& runs) {
    std::set<std::string> keys;
    nlohmann::ordered_json columns = nlohmann::ordered_json::array(), rows = nlohmann::ordered_json::array();
    for (auto const* run : runs) {
        columns.push_back(run->name());
        for (auto const& [key, value] : run->config.items()) keys.insert(key);
    }
    for (auto const& key : keys) {
        nlohmann::ordered_json row{{"key", key}, {"values", nlohmann::ordered_json::array()}};
        for (auto const* run : runs) {
            auto const value = run->config.contains(key) ? run->config[key] : nlohmann::ordered_json();
            auto const text = value.is_null() ? std::string("–")
                              : value.is_string()
                                  ? value.get<std::string>()
                                  : value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
            row["values"].push_back(text);
        }
        auto const& values = row["values"];
        row["differs"] = std::any_of(values.begin(), values.end(), [&](auto const& v) { return v != values.front(); });
        rows.push_back(std::move(row));
    }
    return {{"columns", columns}, {"rows", rows}};
}

/// The numbers at a page's head: where the run stands.
inline std::string tiles(recorded_run const& run) {
    std::string html;
    auto const add = [&](std::string const& name, std::string const& text) {
        html += "<div class=\"card\"><b>" + html_escaped(text) + "</b><span class=\"faint small\">" +
                html_escaped(name) + "</span></div>\n";
    };
    auto const last = [&](std::string const& metric) {
        auto const c = run.over_episodes(metric);
        return c.y.empty() ? std::nan("") : c.y.back();
    };
    double seconds = 0.0;
    std::int64_t updates = 0;
    for (auto const& [name, values] : run.values) {
        if (!values.empty()) updates = std::max(updates, values.rbegin()->first);
        if (!name.starts_with("time/")) continue;
        for (auto const& [update, value] : values) seconds += std::isfinite(value) ? value : 0.0;
    }
    add("updates", std::to_string(updates));
    if (double const x = last("episode"); std::isfinite(x)) add("episodes", fmt::format("{:.0f}", x));
    for (char const* name : {"objective/rlhf_reward", "objective/scores", "objective/kl", "eval/scores"})
        if (double const x = last(name); std::isfinite(x)) {
            std::string_view shown = name;
            if (shown.starts_with("objective/")) shown.remove_prefix(10);
            add("last " + std::string(shown), fmt::format("{:.4g}", x));
        }
    if (seconds > 0.0) add("in updates", duration_text(seconds));
    return html;
}
}  // namespace detail

/// A report of groups of runs as one HTML file that needs nothing beside itself and nothing from the network: the
/// metrics over episodes, findings of the doctor, seconds per phase, samples, configuration. `samples_page` is the file
/// that the samples link to, beside this one; empty: none.
inline std::string run_report(std::vector<run_group> const& groups, std::string const& samples_page = "") {
    std::vector<recorded_run const*> runs;
    for (auto const& group : groups)
        for (auto const& run : group.runs) runs.push_back(&run);
    auto const title = [&](std::string_view key) {
        auto const& config = runs.front()->config;
        return config.contains(key) && config[std::string(key)].is_string()
                   ? config[std::string(key)].get<std::string>()
                   : "";
    };
    bool const one = runs.size() == 1;
    auto const heading = one ? (title("exp_name").empty() ? runs.front()->name() : title("exp_name"))
                             : fmt::format("{} runs in {} groups", runs.size(), groups.size());
    using json = nlohmann::ordered_json;
    json data{{"x", runs.front()->values.contains("episode") ? "episode" : "update"},
              {"page", samples_page},
              {"metrics", detail::drawn_metrics(groups)},
              {"config", detail::configurations(runs)}};
    for (char const* list : {"groups", "runs", "phases", "samples", "findings"}) data[list] = json::array();
    bool watched = false;
    for (auto const& group : groups) {
        json names = json::array();
        for (auto const& run : group.runs) names.push_back(run.name());
        data["groups"].push_back({{"name", group.name}, {"runs", names}});
    }
    for (auto const* run : runs) {
        data["runs"].push_back(run->name());
        watched = watched || std::filesystem::exists(run->folder / "findings.jsonl");
        if (auto phases = detail::phases_of(*run); !phases.is_null()) data["phases"].push_back(std::move(phases));
        detail::add_samples(data["samples"], *run, one ? 24 : 6);
        for (auto const& finding : run->findings)
            data["findings"].push_back({{"run", run->name()},
                                        {"update", finding.value("update", json())},
                                        {"kind", finding.value("kind", json(""))},
                                        {"sentence", finding.value("sentence", json(""))}});
    }
    data["watched"] = watched;
    std::string body = "<h1>" + html_escaped(heading) + "</h1>\n";
    if (one)
        body += "<div class=\"faint\">" +
                html_escaped(title("algorithm") + (title("algorithm").empty() ? "" : " in ") +
                             runs.front()->folder.string()) +
                "</div>\n<div class=\"tiles\">\n" + detail::tiles(*runs.front()) + "</div>\n";
    body += R"html(<noscript><p>This page draws its curves with JavaScript, all of it in this file.</p></noscript>
<h2>Findings</h2><div id="findings"></div>
<h2>Metrics</h2>
<div class="bar">
<label>smoothing <input type="range" id="smoothing" min="0" max="0.99" step="0.01" value="0.6">
<span id="smoothing-value">0.60</span></label>
<label><input type="checkbox" id="outliers"> ignore outliers</label>
<input id="filter" type="search" placeholder="filter metrics" aria-label="filter metrics">
<div class="names small" id="names"></div>
</div>
<div id="trl-section"><div class="grid" id="trl"></div></div>
<div id="other-section"><h2>Other metrics</h2><div class="grid" id="other"></div></div>
<div id="phases-section"><h2>Where the time goes</h2><div id="phases"></div></div>
<div id="samples-section"><h2>Samples over time</h2><div id="samples"></div></div>
<div id="config-section"><h2>Configuration</h2><div id="config" class="wide"></div></div>
)html";
    return html_page(heading, detail::report_style, body,
                     std::string(detail::report_basics) + std::string(detail::report_script), data);
}

}  // namespace proximal::run
