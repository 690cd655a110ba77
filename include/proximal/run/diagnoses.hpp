// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <optional>
#include <proximal/run/completions_table.hpp>
#include <proximal/run/metrics.hpp>
#include <proximal/run/ppo_config.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace proximal::run {

/// What a diagnosis must know of a run beside its metrics.
struct diagnosed_run {
    bool stops_at_eos = false;          // --stop_token eos
    std::int64_t steps_on_a_batch = 1;  // num_ppo_epochs * num_mini_batches
    bool is_mixed = false;              // --bf16 or --fp16
};

/// What a configuration tells the doctor.
inline diagnosed_run diagnosed(PPOv2Config const& config) {
    return {.stops_at_eos = config.stop_token == "eos",
            .steps_on_a_batch = config.num_ppo_epochs * config.num_mini_batches,
            .is_mixed = config.bf16 || config.fp16};
}

/// What is wrong with a run: a kind, and one sentence with what was seen and the remedy.
struct diagnosis {
    std::string kind, sentence;
};

/// From where on a number is wrong, and why there. "Ours": chosen so that the quick start and recorded healthy runs
/// provoke none, and a run that is broken on purpose does.
namespace thresholds {
// Huang et al., "The 37 Implementation Details of PPO" (2022): the ratio is 1 before the first step; what float32
// leaves of that over a response is ours.
inline constexpr double ratio_at_start = 1e-5;
inline constexpr double ratio_at_start_mixed = 0.05;  // ours: what bfloat16 leaves of it, with room
// TRL's guide to its PPO metrics: a ratio of 2 or of 0.1 is too much; below 0.5 is ours, the reciprocal.
inline constexpr double ratio_high = 2.0, ratio_low = 0.5;
inline constexpr double kl_high = 50.0;                // ours: nats per response, far from any reference
inline constexpr double kl_growth = 4.0;               // ours: from one window to the next,
inline constexpr double kl_growth_from = 5;            // and by then this many nats
inline constexpr double kl_negative = -1.0;            // TRL's PPOTrainer warns from there on
inline constexpr double clipfrac_high = 0.5;           // ours: most tokens lie beyond the clip and teach nothing
inline constexpr double explained_variance_low = 0.0;  // Schulman: below 0 the values are worse than a constant
inline constexpr double reward_fall = 5.0;             // ours: standard errors between two windows
inline constexpr double length_collapse = 0.25;        // ours: share of the length that responses began with
inline constexpr std::size_t window = 20;              // ours: updates that tell a trend from noise
inline constexpr std::size_t few = 5;                  // ours: updates in a row that are no accident
}  // namespace thresholds

/// The numbers that diagnoses are made from: of each metric those of the last two windows, and how responses began.
class run_history {
   public:
    /// Takes the metrics of an update.
    void add(metrics const& logged) {
        not_finite_.clear();
        for (auto const& [name, value] : logged) {
            // The clock's numbers say nothing of a run's health, and a resumed run's state must be the whole run's.
            if (is_of_the_machine(name)) continue;
            auto& numbers = recent_[name];
            numbers.push_back(value);
            if (numbers.size() > 2 * thresholds::window) numbers.erase(numbers.begin());
            // a variance over one thing is none, in TRL too
            if (!std::isfinite(value) && !name.ends_with("_var")) not_finite_.push_back(name);
        }
        ++updates_;
        for (auto at = recent_.begin(); at != recent_.end();)  // what is no longer measured says nothing
            at = logged.find(at->first) == nullptr ? recent_.erase(at) : std::next(at);
        if (auto const* const length = logged.find("objective/response_length");
            length != nullptr && lengths_ < thresholds::few)
            length_at_start_ =
                (length_at_start_ * static_cast<double>(lengths_) + *length) / static_cast<double>(lengths_ + 1),
            ++lengths_;
        if (auto const* const rate = logged.find("lr")) highest_rate_ = std::max(highest_rate_, *rate);
    }
    /// Takes a table of samples: whether their scores are all the same.
    void add(completions_table const& table) {
        auto const column = std::find(table.headings.begin(), table.headings.end(), "score");
        if (column == table.headings.end() || table.rows.size() < 4)
            return;  // of a few rows equal scores are an accident
        auto const k = static_cast<std::size_t>(column - table.headings.begin());
        auto const& score = table.rows.front()[k];
        bool const equal =
            std::all_of(table.rows.begin(), table.rows.end(), [&](auto const& row) { return row[k] == score; });
        equal_tables_ = equal ? equal_tables_ + 1 : 0;
        equal_score_ = score;
    }

    std::int64_t updates() const { return updates_; }
    /// The metrics of the last update that are no finite numbers.
    std::vector<std::string> const& not_finite() const { return not_finite_; }
    /// The last number of a metric.
    std::optional<double> last(std::string const& name) const {
        auto const at = recent_.find(name);
        if (at == recent_.end() || at->second.empty()) return std::nullopt;
        return at->second.back();
    }
    /// The last `count` numbers of a metric, `before` updates ago; nothing where there are fewer.
    std::vector<double> latest(std::string const& name, std::size_t count, std::size_t before = 0) const {
        auto const at = recent_.find(name);
        if (at == recent_.end() || at->second.size() < count + before) return {};
        auto const end = at->second.end() - static_cast<std::ptrdiff_t>(before);
        return {end - static_cast<std::ptrdiff_t>(count), end};
    }
    /// Whether the last `count` numbers of a metric are all so; false where there are fewer.
    bool stays(std::string const& name, std::size_t count, auto const& is_so) const {
        auto const numbers = latest(name, count);
        return !numbers.empty() && std::all_of(numbers.begin(), numbers.end(), is_so);
    }
    /// The mean response length of the first updates; nothing before there were enough.
    std::optional<double> length_at_start() const {
        return lengths_ < thresholds::few ? std::nullopt : std::optional(length_at_start_);
    }
    double highest_rate() const { return highest_rate_; }
    int equal_tables() const { return equal_tables_; }
    std::string const& equal_score() const { return equal_score_; }

    /// Writes or reads it, all of it, in one go (see state_archive).
    template <class Archive>
    void visit_state(Archive& archive) {
        archive("updates", updates_);
        archive("length_at_start", length_at_start_);
        archive("lengths", lengths_);
        archive("highest_rate", highest_rate_);
        archive("equal_tables", equal_tables_);
        archive("equal_score", equal_score_);
        std::string text;
        for (auto const& [name, numbers] : recent_) {
            text += name;
            for (double const x : numbers) text += fmt::format("\t{}", x);
            text += '\n';
        }
        archive("recent", text);
        recent_.clear();
        for (std::size_t at = 0, end; (end = text.find('\n', at)) != std::string::npos; at = end + 1) {
            auto const line = text.substr(at, end - at);
            auto tab = line.find('\t');
            auto& numbers = recent_[line.substr(0, tab)];
            for (; tab != std::string::npos; tab = line.find('\t', tab + 1))
                numbers.push_back(std::strtod(line.c_str() + tab + 1, nullptr));
        }
    }

   private:
    std::map<std::string, std::vector<double>> recent_;
    std::vector<std::string> not_finite_;
    std::int64_t updates_ = 0;
    double length_at_start_ = 0.0, highest_rate_ = 0.0;
    std::uint64_t lengths_ = 0;
    int equal_tables_ = 0;
    std::string equal_score_;
};

namespace detail {
inline double mean_of(std::vector<double> const& numbers) {
    double sum = 0.0;
    for (double const x : numbers) sum += x;
    return sum / static_cast<double>(numbers.size());
}
/// The squared standard error of the mean.
inline double squared_error(std::vector<double> const& numbers) {
    double const centre = mean_of(numbers), count = static_cast<double>(numbers.size());
    double squares = 0.0;
    for (double const x : numbers) squares += (x - centre) * (x - centre);
    return squares / (count - 1.0) / count;
}

inline std::optional<diagnosis> ratio_at_start(run_history const& history, diagnosed_run const& run) {
    std::optional<double> ratio = history.last("val/ratio_at_start");
    if (!ratio) ratio = history.last("ratio_at_start");
    if (!ratio && history.updates() == 1 && run.steps_on_a_batch == 1) ratio = history.last("val/ratio");
    double const most = run.is_mixed ? thresholds::ratio_at_start_mixed : thresholds::ratio_at_start;
    if (!ratio || std::abs(*ratio - 1.0) <= most) return std::nullopt;
    return diagnosis{
        "ratio_at_start",
        fmt::format("before the first step the ratio is {:.7g}, not 1: generation and training give a token "
                    "different log-probabilities; let both use the same temperature, mask, position ids and "
                    "precision, and no dropout",
                    *ratio)};
}
inline std::optional<diagnosis> ratio(run_history const& history) {
    auto const ratio = history.last("val/ratio");
    if (!ratio || (*ratio <= thresholds::ratio_high && *ratio >= thresholds::ratio_low)) return std::nullopt;
    return diagnosis{"ratio",
                     fmt::format("val/ratio is {:.3g}: an update moves the policy too far; lower --learning_rate "
                                 "or --num_ppo_epochs",
                                 *ratio)};
}
inline std::optional<diagnosis> reward_falls(run_history const& history) {
    auto const* const name = history.last("objective/rlhf_reward") ? "objective/rlhf_reward" : "objective/scores";
    auto const now = history.latest(name, thresholds::window),
               then = history.latest(name, thresholds::window, thresholds::window);
    if (now.empty() || then.empty()) return std::nullopt;
    double const fall = mean_of(then) - mean_of(now), error = std::sqrt(squared_error(now) + squared_error(then));
    if (!(fall > thresholds::reward_fall * error) || fall <= 0.0) return std::nullopt;
    return diagnosis{
        "reward_falls",
        fmt::format("{} fell from {:.3g} to {:.3g}, means of {} updates each: lower --learning_rate, and see by "
                    "objective/kl whether the KL penalty outweighs the score (then lower --kl_coef)",
                    name, mean_of(then), mean_of(now), thresholds::window)};
}
inline std::optional<diagnosis> kl_explodes(run_history const& history) {
    auto const kl = history.last("objective/kl");
    auto const now = history.latest("objective/kl", thresholds::few);
    auto const then = history.latest("objective/kl", thresholds::few, thresholds::few);
    if (!kl) return std::nullopt;
    bool const grows = !then.empty() && mean_of(now) > thresholds::kl_growth_from &&
                       mean_of(now) > thresholds::kl_growth * std::max(1.0, mean_of(then));
    if (*kl <= thresholds::kl_high && !grows) return std::nullopt;
    auto const seen = *kl > thresholds::kl_high
                          ? fmt::format("objective/kl is {:.3g}", *kl)
                          : fmt::format("objective/kl grew from {:.3g} to {:.3g} within {} updates", mean_of(then),
                                        mean_of(now), 2 * thresholds::few);
    return diagnosis{"kl_explodes",
                     seen +
                         ": the policy leaves the reference, and the reward may be hacked; raise --kl_coef "
                         "or lower --learning_rate, and read the samples"};
}
inline std::optional<diagnosis> kl_negative(run_history const& history) {
    auto const kl = history.latest("objective/kl", thresholds::few);
    if (kl.empty() || !(mean_of(kl) < thresholds::kl_negative)) return std::nullopt;
    return diagnosis{
        "kl_negative",
        fmt::format("objective/kl is {:.3g} on average over {} updates, and a KL is not negative: responses are "
                    "not drawn from the policy as it is trained; sample at --temperature from the whole "
                    "distribution, without top-k, top-p or a least length",
                    mean_of(kl), thresholds::few)};
}
inline std::optional<diagnosis> no_eos(run_history const& history, diagnosed_run const& run) {
    if (!run.stops_at_eos || !history.stays("val/num_eos_tokens", thresholds::few, [](double x) { return x == 0.0; }))
        return std::nullopt;
    return diagnosis{"no_eos",
                     fmt::format("no response has ended with EOS in {} updates: raise --response_length, give "
                                 "--missing_eos_penalty, or check that the SFT model has learnt to end",
                                 thresholds::few)};
}
inline std::optional<diagnosis> equal_scores(run_history const& history) {
    auto const scores = history.latest("objective/scores", thresholds::few);
    bool const constant =
        !scores.empty() && std::all_of(scores.begin(), scores.end(), [&](double x) { return x == scores[0]; });
    if (!constant && history.equal_tables() < 2) return std::nullopt;
    auto const seen =
        constant
            ? fmt::format("objective/scores has been {:.4g} in {} updates", scores[0], thresholds::few)
            : fmt::format("every sample of {} tables got the score {}", history.equal_tables(), history.equal_score());
    return diagnosis{"equal_scores",
                     seen +
                         ": equal scores teach nothing; check that the reward reads the response, or where "
                         "all is solved give harder prompts"};
}
inline std::optional<diagnosis> critic(run_history const& history) {
    if (!history.stays("value/explained_variance", thresholds::window,
                       [](double x) { return x <= thresholds::explained_variance_low; }))
        return std::nullopt;
    return diagnosis{
        "critic",
        fmt::format("value/explained_variance has not been above 0 for {} updates: the critic predicts no better "
                    "than a constant; raise --vf_coef or --cliprange_value, or lower --learning_rate",
                    thresholds::window)};
}
inline std::optional<diagnosis> clips_most(run_history const& history) {
    auto const clipped = history.latest("policy/clipfrac_avg", thresholds::few);
    if (clipped.empty() || !(mean_of(clipped) > thresholds::clipfrac_high)) return std::nullopt;
    return diagnosis{
        "clips_most",
        fmt::format("policy/clipfrac_avg is {:.2g} on average over {} updates: most tokens lie beyond the clip and "
                    "teach nothing; lower --learning_rate or --num_ppo_epochs",
                    mean_of(clipped), thresholds::few)};
}
inline std::optional<diagnosis> clips_none(run_history const& history, diagnosed_run const& run) {
    bool const may_move = run.steps_on_a_batch > 1 && history.last("lr").value_or(0.0) >= 0.5 * history.highest_rate();
    if (!may_move || !history.stays("policy/clipfrac_avg", thresholds::window, [](double x) { return x == 0.0; }))
        return std::nullopt;
    return diagnosis{"clips_none",
                     fmt::format("policy/clipfrac_avg has been 0 for {} updates: the policy hardly moves; raise "
                                 "--learning_rate or --num_ppo_epochs",
                                 thresholds::window)};
}
inline std::optional<diagnosis> length_collapses(run_history const& history) {
    auto const began = history.length_at_start();
    auto const now = history.latest("objective/response_length", thresholds::few);
    if (!began || now.empty() || !(mean_of(now) < thresholds::length_collapse * *began)) return std::nullopt;
    return diagnosis{
        "length_collapses",
        fmt::format("responses fell from {:.3g} to {:.3g} tokens: the reward may favour short ones; read the "
                    "samples, raise --kl_coef, or let the reward count what is missing",
                    *began, mean_of(now))};
}
inline std::optional<diagnosis> not_finite(run_history const& history) {
    if (history.not_finite().empty()) return std::nullopt;
    std::string names;
    for (std::size_t i = 0; i < std::min<std::size_t>(3, history.not_finite().size()); ++i)
        names += (i == 0 ? "" : ", ") + history.not_finite()[i];
    if (history.not_finite().size() > 3) names += fmt::format(" and {} more", history.not_finite().size() - 3);
    return diagnosis{"not_finite",
                     names + (history.not_finite().size() == 1 ? " is no finite number" : " are no finite numbers") +
                         ": lower --learning_rate, set --max_grad_norm, and check that the reward gives finite scores"};
}
}  // namespace detail

/// What is wrong with a run as its history stands, most serious first; a metric that the algorithm does not log is not
/// missed.
inline std::vector<diagnosis> diagnoses(run_history const& history, diagnosed_run const& run) {
    std::vector<diagnosis> found;
    for (auto& one : {detail::not_finite(history), detail::ratio_at_start(history, run), detail::ratio(history),
                      detail::kl_explodes(history), detail::kl_negative(history), detail::reward_falls(history),
                      detail::equal_scores(history), detail::no_eos(history, run), detail::length_collapses(history),
                      detail::critic(history), detail::clips_most(history), detail::clips_none(history, run)})
        if (one) found.push_back(*one);
    return found;
}

}  // namespace proximal::run
