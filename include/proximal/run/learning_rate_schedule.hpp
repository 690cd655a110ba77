// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <proximal/compose/reflect.hpp>
#include <proximal/run/any_knob.hpp>
#include <proximal/run/best_metric.hpp>
#include <proximal/run/decays.hpp>
#include <proximal/run/reduce_lr_on_plateau.hpp>
#include <proximal/run/state_archive.hpp>
#include <proximal/run/training_options.hpp>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

namespace proximal::run {

/// The factor on the learning rate of an update, counted from 0: any callable (std::int64_t) -> double. One that learns
/// from evaluations has a member observe(metric), and one that learns at all a member visit_state(archive), by which it
/// is saved and resumed with the run; copies share what it learnt.
class learning_rate_schedule {
   public:
    learning_rate_schedule() = default;
    template <class Factor>
        requires(!std::same_as<std::remove_cvref_t<Factor>, learning_rate_schedule> &&
                 std::is_invocable_r_v<double, Factor&, std::int64_t>)
    learning_rate_schedule(Factor factor) {
        auto const kept = std::make_shared<Factor>(std::move(factor));
        factor_ = [kept](std::int64_t update) -> double { return (*kept)(update); };
        if constexpr (requires(state_archive & archive) { kept->visit_state(archive); })
            visit_ = [kept](state_archive& archive) { kept->visit_state(archive); };
        if constexpr (requires(double metric) { kept->observe(metric); })
            observe_ = [kept](double metric) { kept->observe(metric); };
    }

    double operator()(std::int64_t update) const { return factor_(update); }
    explicit operator bool() const { return factor_ != nullptr; }
    /// Writes or reads what it learnt: nothing, for a function of the update alone.
    void visit_state(state_archive& archive) const {
        if (visit_) visit_(archive);
    }
    /// Whether it learns from evaluations.
    bool needs_metric() const { return observe_ != nullptr; }
    /// Tells it the metric of an evaluation: nothing happens, for a function of the update alone.
    void observe(double metric) const {
        if (observe_) observe_(metric);
    }

   private:
    std::function<double(std::int64_t)> factor_;
    std::function<void(state_archive&)> visit_;
    std::function<void(double)> observe_;
};

namespace detail {
/// A schedule with the numbers of lr_scheduler_kwargs. Throws std::invalid_argument naming the key.
template <Reflected Schedule>
Schedule schedule_with(std::string const& name, std::string const& kwargs) {
    auto const refuse = [](std::string const& why) {
        throw std::invalid_argument("--lr_scheduler_kwargs: " + why.substr(why.starts_with("--") ? 2 : 0));
    };
    Schedule schedule;
    bool const none = kwargs.empty() || kwargs == "none" || kwargs == "None";
    auto const numbers = none ? nlohmann::json::object() : nlohmann::json::parse(kwargs, nullptr, false);
    if (!numbers.is_object()) refuse(kwargs + " is no JSON dictionary: write it as {\"num_cycles\": 2}");
    auto const knobs = any_knobs(schedule);
    std::string known;
    for (auto const& knob : knobs) known += (known.empty() ? "" : ", ") + knob.name;
    for (auto const& item : numbers.items()) {
        std::string const& key = item.key();
        nlohmann::json const& value = item.value();
        auto const knob = std::find_if(knobs.begin(), knobs.end(), [&](any_knob const& k) { return k.name == key; });
        if (knob == knobs.end())
            refuse(name + " has no '" + key +
                   "': " + (known.empty() ? "it has no further numbers" : "it has " + known));
        try {
            knob->read(value.is_null() ? "none" : value.is_string() ? value.get<std::string>() : value.dump());
        } catch (std::invalid_argument const& error) {
            refuse(error.what());
        }
    }
    try {
        validate(schedule);
    } catch (std::invalid_argument const& error) {
        refuse(error.what());
    }
    return schedule;
}

template <class Decay>
learning_rate_schedule decay_after_warmup(std::string const& name, schedule_span span, std::string const& kwargs) {
    auto const decay = schedule_with<Decay>(name, kwargs);
    if constexpr (requires { decay.check_span(span); }) decay.check_span(span);
    return [=](std::int64_t update) {
        if (update >= span.warmup) return decay(span, update);
        return static_cast<double>(update) / static_cast<double>(std::max<std::int64_t>(1, span.warmup));
    };
}
}  // namespace detail

/// Hugging Face's schedules by name (`lr_scheduler_type`), over `updates` updates of which `warmup` rise linearly from
/// 0; `constant` and `reduce_lr_on_plateau` have no warm-up. `kwargs` is a JSON dictionary of further numbers
/// (decays.hpp, reduce_lr_on_plateau.hpp); those that are rates are read against `learning_rate`.
///
/// Source: transformers 4.45, optimization.py. Throws std::invalid_argument for another name, and for a number that the
/// schedule does not have or accept.
inline learning_rate_schedule schedule_by_name(std::string const& name, std::int64_t updates, std::int64_t warmup,
                                               std::string const& kwargs = "{}", double learning_rate = 1.0) {
    schedule_span const span{.updates = updates, .warmup = warmup, .learning_rate = learning_rate};
    if (name == "constant") return detail::decay_after_warmup<constant_rate>(name, {updates, 0, learning_rate}, kwargs);
    if (name == "constant_with_warmup") return detail::decay_after_warmup<constant_rate>(name, span, kwargs);
    if (name == "linear") return detail::decay_after_warmup<linear_decay>(name, span, kwargs);
    if (name == "cosine") return detail::decay_after_warmup<cosine_decay>(name, span, kwargs);
    if (name == "cosine_with_restarts") return detail::decay_after_warmup<cosine_restarts>(name, span, kwargs);
    if (name == "cosine_with_min_lr") return detail::decay_after_warmup<cosine_to_min_lr>(name, span, kwargs);
    if (name == "polynomial") return detail::decay_after_warmup<polynomial_decay>(name, span, kwargs);
    if (name == "inverse_sqrt") return detail::decay_after_warmup<inverse_sqrt_decay>(name, span, kwargs);
    if (name == "warmup_stable_decay") return detail::decay_after_warmup<stable_decay>(name, span, kwargs);
    if (name == "reduce_lr_on_plateau") {
        auto schedule = detail::schedule_with<reduce_lr_on_plateau>(name, kwargs);
        schedule.begin(learning_rate);
        return schedule;
    }
    throw std::invalid_argument("--lr_scheduler_type " + name +
                                " is not known: choose linear, cosine, cosine_with_restarts, polynomial, constant, "
                                "constant_with_warmup, inverse_sqrt, reduce_lr_on_plateau, cosine_with_min_lr or "
                                "warmup_stable_decay");
}

/// The schedule that a configuration names. `warmup_steps` rules over `warmup_ratio`, as in transformers; a plateau's
/// better is that of the watched metric, unless lr_scheduler_kwargs gives its mode.
inline learning_rate_schedule configured_schedule(training_options const& config, std::int64_t updates) {
    auto const share = static_cast<std::int64_t>(std::ceil(config.warmup_ratio * static_cast<double>(updates)));
    auto kwargs = config.lr_scheduler_kwargs;
    if (auto numbers = nlohmann::json::parse(kwargs.empty() ? "{}" : kwargs, nullptr, false);
        config.lr_scheduler_type == "reduce_lr_on_plateau" && numbers.is_object() && !numbers.contains("mode")) {
        numbers["mode"] = watched_metric(config).greater_is_better ? "max" : "min";
        kwargs = numbers.dump();
    }
    return schedule_by_name(config.lr_scheduler_type, updates, config.warmup_steps > 0 ? config.warmup_steps : share,
                            kwargs, config.learning_rate);
}

}  // namespace proximal::run
