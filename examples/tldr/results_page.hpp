// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <proximal/run/html.hpp>
#include <proximal/run/report_page.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "judged_answers.hpp"

namespace tldr {

/// Held-out prompts answered at one moment of a run: means over them.
struct curve_point {
    std::int64_t update = 0;
    double kl = 0.0, gold = 0.0, proxy = 0.0, rouge_l = 0.0, grounded = 0.0, eos_rate = 0.0;
};
inline nlohmann::ordered_json to_json(curve_point const& p) {
    return {{"update", p.update},    {"kl", p.kl},           {"gold", p.gold},
            {"proxy", p.proxy},      {"rouge_l", p.rouge_l}, {"grounded", p.grounded},
            {"eos_rate", p.eos_rate}};
}

/// One seed's run.
struct judged_run {
    judged_answers answers;
    std::int64_t seed = 0;
    std::vector<curve_point> curve;
    std::optional<curve_point> stop{};
};

/// All that the report is made from.
struct results {
    std::vector<px::quickstart::example> examples;
    judged_answers references, fine_tuned;
    std::vector<judged_run> runs;
    std::vector<judged_answers> others{};  // of policies that were trained elsewhere
};

inline std::string rate_text(rate const& r) {
    return fmt::format("{:.3f} [{:.3f}, {:.3f}]", r.value, r.interval.low, r.interval.high);
}

/// What each judge says, as Markdown.
inline std::string results_table(results const& found) {
    std::string text = "| judge | model | mean | wins over the reference | wins over SFT |\n|---|---|---|---|---|\n";
    for (std::size_t j = 0; j < judge_count; ++j) {
        auto const row = [&](judged_answers const& model, bool is_sft) {
            text += fmt::format("| {} | {} | {:.3f} | {} | {} |\n", judge_names[j], model.name, model.mean(j),
                                judges_reference(j) ? rate_text(win_rate_of(model, found.references, j)) : "",
                                is_sft ? "" : rate_text(win_rate_of(model, found.fine_tuned, j)));
        };
        text += fmt::format("| {} | reference | {:.3f} | | |\n", judge_names[j], found.references.mean(j));
        row(found.fine_tuned, true);
        for (auto const& run : found.runs) row(run.answers, false);
        for (auto const& other : found.others) row(other, false);
    }
    text += "\n| model | KL | EOS rate | tokens | best stop with ROUGE-L >= 0.9 of SFT's |\n|---|---|---|---|---|\n";
    text += fmt::format("| sft | 0 | {:.3f} | {:.1f} | |\n", found.fine_tuned.eos_rate, found.fine_tuned.mean_length);
    for (auto const& run : found.runs)
        text += fmt::format("| {} | {:.2f} | {:.3f} | {:.1f} | {} |\n", run.answers.name,
                            run.curve.empty() ? std::nan("") : run.curve.back().kl, run.answers.eos_rate,
                            run.answers.mean_length,
                            run.stop ? fmt::format("update {}: gold {:.2f}, KL {:.2f}, ROUGE-L {:.3f}",
                                                   run.stop->update, run.stop->gold, run.stop->kl, run.stop->rouge_l)
                                     : "none: ROUGE-L falls from the first point on");
    return text;
}

namespace detail {
/// The distance of an axis's marks: 1, 2 or 5 times a power of ten, four marks or a few more.
inline double mark_distance(double range) {
    double const power = std::pow(10.0, std::floor(std::log10(range / 4.0)));
    for (double const times : {1.0, 2.0, 5.0})
        if (times * power * 5.0 >= range) return times * power;
    return 10.0 * power;
}
/// A line chart as SVG: one curve per run, of a number against the KL.
inline std::string chart(std::string_view title, std::string_view about, std::vector<judged_run> const& runs,
                         double curve_point::*x, double curve_point::*y, std::string_view x_name) {
    double left = std::numeric_limits<double>::infinity(), right = -left, low = left, high = -left;
    for (auto const& run : runs)
        for (auto const& p : run.curve) {
            if (!std::isfinite(p.*x) || !std::isfinite(p.*y)) continue;
            left = std::min(left, p.*x), right = std::max(right, p.*x);
            low = std::min(low, p.*y), high = std::max(high, p.*y);
        }
    if (!(right > left)) return "";
    if (left > 0.0 && left < 0.1 * right) left = 0.0;  // a KL begins at nothing
    if (high == low) high = low + 1.0;
    constexpr double width = 360, height = 200, margin = 44, foot = 34, top = 10;
    double const pad = 0.05 * (high - low);
    low -= pad, high += pad;
    auto const px_of = [&](double v) { return margin + (v - left) / (right - left) * (width - margin - 10); };
    auto const py_of = [&](double v) { return top + (high - v) / (high - low) * (height - top - foot); };
    std::string svg = fmt::format("<svg viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{}\">", width, height,
                                  px::run::html_escaped(title));
    double const up = mark_distance(high - low), along = mark_distance(right - left);
    for (double v = std::ceil(low / up) * up; v <= high; v += up) {
        svg += fmt::format("<line class=\"gridline\" x1=\"{}\" x2=\"{}\" y1=\"{:.1f}\" y2=\"{:.1f}\"/>", margin,
                           width - 10, py_of(v), py_of(v));
        svg += fmt::format("<text x=\"{}\" y=\"{:.1f}\" text-anchor=\"end\">{:.3g}</text>", margin - 5, py_of(v) + 4,
                           std::abs(v) < 1e-9 * up ? 0.0 : v);
    }
    for (double u = std::ceil(left / along) * along; u <= right; u += along)
        svg +=
            fmt::format("<text x=\"{:.1f}\" y=\"{}\" text-anchor=\"middle\">{:.3g}</text>", px_of(u), height - 18, u);
    svg += fmt::format("<text x=\"{}\" y=\"{}\" text-anchor=\"middle\">{}</text>", (width + margin) / 2, height - 3,
                       x_name);
    for (std::size_t r = 0; r < runs.size(); ++r) {
        std::string line, dots;
        for (auto const& p : runs[r].curve) {
            if (!std::isfinite(p.*x) || !std::isfinite(p.*y)) continue;
            line += fmt::format("{}{:.1f} {:.1f}", line.empty() ? "M" : " L", px_of(p.*x), py_of(p.*y));
            dots += fmt::format(
                "<circle class=\"dot\" cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3\"><title>seed {}, update {}: "
                "{:.4g} at {:.4g}</title></circle>",
                px_of(p.*x), py_of(p.*y), runs[r].seed, p.update, p.*y, p.*x);
        }
        svg += fmt::format("<g class=\"s{}\"><path class=\"smooth\" d=\"{}\"/>{}</g>", r % 8, line, dots);
    }
    return fmt::format(
        "<div class=\"card\"><div class=\"head\"><span>{}</span></div><div class=\"small faint "
        "about\">{}</div>{}</svg></div>",
        title, about, svg);
}
/// A bar from 0 to 1 with its interval.
inline std::string bar(std::string_view name, rate const& r, int colour) {
    return fmt::format(
        "<div class=\"s{}\" style=\"display:grid;grid-template-columns:7em 1fr "
        "12em;gap:8px;align-items:center\"><span>{}"
        "</span><svg viewBox=\"0 0 100 10\" preserveAspectRatio=\"none\" style=\"height:14px\"><rect width=\"100\" "
        "height=\"10\" fill=\"var(--grid)\"/><rect width=\"{:.2f}\" height=\"10\" fill=\"var(--c)\"/><rect "
        "x=\"{:.2f}\" "
        "y=\"4\" width=\"{:.2f}\" height=\"2\" fill=\"var(--ink)\"/></svg><span class=\"small\">{}</span></div>",
        colour, px::run::html_escaped(name), 100 * r.value, 100 * r.interval.low,
        100 * (r.interval.high - r.interval.low), rate_text(r));
}
}  // namespace detail

/// One page without a network: curves against the KL, win rates by every judge, samples before and after, and what all
/// of it says.
inline std::string results_page(results const& found, nlohmann::ordered_json const& data) {
    auto const& mini = data.at("miniature");
    std::string body = "<h1>TL;DR in miniature</h1>\n<p class=\"faint\">" +
                       px::run::html_escaped(mini.at("texts").get<std::string>()) + "</p>\n";
    auto const tile = [&](std::string const& name, std::string const& value) {
        body += "<div class=\"card\"><span class=\"small faint\">" + name + "</span><b>" + value + "</b></div>";
    };
    body += "<div class=\"tiles\">";
    tile("algorithm", px::run::html_escaped(mini.at("algorithm").get<std::string>()));
    tile("SFT, held-out nats a token", fmt::format("{:.3f}", mini.at("sft").at("nats_per_token").get<double>()));
    tile("reward model, held-out accuracy",
         fmt::format("{:.3f}", mini.at("reward_model").at("accuracy").get<double>()));
    tile("its calibration error", fmt::format("{:.3f}", mini.at("reward_model").at("calibration_error").get<double>()));
    tile("judged prompts", std::to_string(found.examples.size()));
    body +=
        "</div>\n<h2>What this shows</h2>\n<p>The gold rule stands in for people: it labels the pairs that the reward "
        "model learns, and judges at the end; training sees the reward model alone (the set-up of Gao et al. 2022, "
        "Scaling Laws for Reward Model Overoptimization). Where the gold score rises with the reward, the policy does "
        "what it was asked. Where an independent judge falls, it pays for that elsewhere: both are shown. It is no "
        "evidence of better summaries: the model is small and was trained from nothing.</p>\n";
    body += "<h2>Against the KL from the fine-tuned model</h2><div class=\"names\">";
    for (std::size_t r = 0; r < found.runs.size(); ++r)
        body += fmt::format("<span class=\"s{}\"><span class=\"key\"></span>seed {}</span>", r % 8, found.runs[r].seed);
    body += "</div><div class=\"grid\">";
    auto const add = [&](char const* title, char const* about, double curve_point::*y) {
        body += detail::chart(title, about, found.runs, &curve_point::kl, y, "KL, nats a response");
    };
    add("reward model", "what is optimised", &curve_point::proxy);
    add("gold rule", "what was meant: where it turns down, the reward is over-optimised", &curve_point::gold);
    add("ROUGE-L", "with the reference; it knows of neither", &curve_point::rouge_l);
    add("grounded", "share of an answer's words that the description has", &curve_point::grounded);
    add("EOS rate", "answers that end by themselves", &curve_point::eos_rate);
    body += "</div>\n<h2>Win rates</h2><p class=\"faint small\">Ties count half; 95 % bootstrap intervals.</p>";
    for (std::size_t j = 0; j < judge_count; ++j) {
        body += "<div class=\"card\" style=\"margin-bottom:10px\"><div class=\"head\"><span>" +
                std::string(judge_names[j]) + "</span></div>";
        if (judges_reference(j)) {
            body += "<div class=\"small faint\">over the reference</div>";
            body += detail::bar("sft", win_rate_of(found.fine_tuned, found.references, j), 6);
            for (std::size_t r = 0; r < found.runs.size(); ++r)
                body += detail::bar(found.runs[r].answers.name, win_rate_of(found.runs[r].answers, found.references, j),
                                    static_cast<int>(r % 6));
        }
        body += "<div class=\"small faint\">over SFT</div>";
        for (std::size_t r = 0; r < found.runs.size(); ++r)
            body += detail::bar(found.runs[r].answers.name, win_rate_of(found.runs[r].answers, found.fine_tuned, j),
                                static_cast<int>(r % 6));
        body += "</div>\n";
    }
    body +=
        "<h2>Where to stop</h2><p>The best gold score among the points that keep nine tenths of SFT's ROUGE-L:</p><ul>";
    for (auto const& run : found.runs)
        body += run.stop ? fmt::format("<li>seed {}: update {}, gold {:.2f} at KL {:.2f}, ROUGE-L {:.3f}</li>",
                                       run.seed, run.stop->update, run.stop->gold, run.stop->kl, run.stop->rouge_l)
                         : fmt::format("<li>seed {}: none; ROUGE-L falls below from the first point on</li>", run.seed);
    body +=
        "</ul>\n<h2>Samples</h2><div style=\"overflow-x:auto\"><table class=\"small\"><thead><tr><th>description"
        "</th><th>reference</th><th>SFT</th>";
    for (auto const& run : found.runs) body += "<th>" + run.answers.name + "</th>";
    body += "</tr></thead><tbody>";
    for (std::size_t i = 0; i < std::min<std::size_t>(16, found.examples.size()); ++i) {
        auto const cell = [&](judged_answers const& of) {
            body += fmt::format("<td>{}<br><span class=\"faint\">gold {:.0f}</span></td>",
                                px::run::html_escaped(of.texts[i]), of.scores[by_gold][i]);
        };
        body += "<tr><td>" + px::run::html_escaped(description_of(found.examples[i].prompt)) + "</td>";
        cell(found.references), cell(found.fine_tuned);
        for (auto const& run : found.runs) cell(run.answers);
        body += "</tr>";
    }
    body += "</tbody></table></div>\n";
    auto const style =
        std::string(px::run::detail::report_style) +
        "table{border-collapse:collapse;width:100%}td,th{border-bottom:1px solid var(--line);padding:6px "
        "8px;text-align:left;vertical-align:top;min-width:9em}\n";
    return px::run::html_page("TL;DR in miniature", style, body, "", data);
}

}  // namespace tldr
