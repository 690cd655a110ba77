// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>

#include <boost/hana/for_each.hpp>
#include <concepts>
#include <cstdint>
#include <memory>
#include <proximal/compose/adapt.hpp>
#include <proximal/compose/assume_response_length.hpp>
#include <proximal/compose/charges.hpp>
#include <proximal/compose/group_size_of.hpp>
#include <proximal/compose/needs.hpp>
#include <proximal/compose/report.hpp>
#include <proximal/compose/visit_state.hpp>
#include <proximal/compose/weigh.hpp>
#include <proximal/libtorch/fused_loss.hpp>
#include <proximal/libtorch/operations.hpp>
#include <proximal/lm/train/first_non_finite.hpp>
#include <proximal/run/any_knob.hpp>
#include <proximal/run/metrics.hpp>
#include <proximal/run/state_archive.hpp>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace proximal::lm {

/// A mini-batch's loss with its gradient, and what its parts measure beside it: [] each.
struct measured_loss {
    at::Tensor loss;                                          // differentiable by the predictions
    std::vector<std::pair<std::string, at::Tensor>> metrics;  // without gradient
};

/// A rollout as an algorithm judged it.
struct evaluation {
    experience<libtorch::field> judged;
    libtorch::field charged;  // [B] what shapers took or gave beside the score; absent where none did: see charges
    run::metrics reported;    // numbers of the parts' own, as they were before this batch taught them anything
};

/// An algorithm whose type is known to nobody any more: all that the trainer asks of one.
///
///     lm::ppo_trainer trainer(lm::trainable(algorithm{...}), arguments);
///
/// The composition stays static where that pays, inside the kernels; the trainer is an ordinary class, compiled once.
/// Any algorithm converts to it. It is a value: a copy learns by itself.
/// Throws std::invalid_argument, naming the flag, where a knob lies outside its range or parts disagree on group_size.
class trainable {
   public:
    template <class Algorithm>
        requires(!std::same_as<std::remove_cvref_t<Algorithm>, trainable>)
    trainable(Algorithm algorithm) : self_(std::make_unique<erased<Algorithm>>(std::move(algorithm))) { check(); }
    trainable(trainable const& other) : self_(other.self_->copy()), needs_(other.needs_) {}
    trainable(trainable&&) = default;
    trainable& operator=(trainable other) {
        std::swap(self_, other.self_);
        std::swap(needs_, other.needs_);
        return *this;
    }

    /// Throws std::invalid_argument where a knob lies outside its range, and finds out what is needed: to be asked
    /// again when knobs were set.
    void check() {
        self_->check();
        needs_ = self_->needs();
    }
    /// What the loss and the metrics of the parts depend on.
    symbol needs() const { return needs_; }
    /// Whether a value model must exist.
    bool needs_critic() const { return needs().reads_any({source::value, source::old_value}); }
    /// Whether a reference model must exist.
    bool needs_reference() const { return needs().reads(source::ref_logprob); }
    /// Whether what sampled counts as another policy: see needs_behaviour.
    bool needs_behaviour() const { return needs().reads(source::behaviour_logprob); }
    /// Whether a greedy response to every prompt is generated and scored.
    bool needs_baseline() const { return needs().reads(source::baseline_score); }
    /// Whether the loss corrects for the policy having moved since it sampled, so that a batch is good for several
    /// steps.
    bool has_ratio() const { return self_->has_ratio(); }
    /// How many responses to each prompt are compared.
    std::int64_t group_size() const { return self_->group_size(); }
    /// Whether it may leave an optimizer step out.
    bool is_guarded() const { return self_->is_guarded(); }

    /// Judges a rollout, and lets the parts that learn do so.
    evaluation evaluate(rollout<libtorch::field> const& recorded) { return self_->evaluate(recorded); }
    /// Where the first number that is not finite comes from: an array of the rollout, or a part, with the row. Empty
    /// where all are finite. Nothing learns from it.
    std::string first_non_finite(rollout<libtorch::field> const& recorded) const {
        return self_->first_non_finite(recorded);
    }
    /// Fixes the tokens' weights of a mini-batch before it is split: see proximal::weigh.
    experience<libtorch::field> weigh(experience<libtorch::field> mini_batch, double micro_batches) const {
        return self_->weigh(std::move(mini_batch), micro_batches);
    }
    /// The loss of a micro-batch with its gradient: see libtorch::fused_loss.
    measured_loss loss(experience<libtorch::field> const& then, prediction<libtorch::field> const& now) const {
        return self_->loss(then, now);
    }
    /// What becomes of an optimizer step.
    verdict guard(step_summary const& step) const { return self_->guard(step); }

    /// Its knobs and switches; they refer to it: it must stay where it is while they are used.
    std::vector<run::any_knob> knobs() { return self_->knobs(); }
    /// Tells the parts how long a response may be, in tokens.
    void assume_response_length(double tokens) { self_->assume_response_length(tokens); }
    /// Throws std::invalid_argument where a part's knobs do not suit responses of at most so many tokens.
    void check_response_length(double longest) const { self_->check_response_length(longest); }
    /// Writes or reads what its parts have learnt.
    void visit_state(run::state_archive& archive) { self_->visit_state(archive); }

   private:
    struct interface {
        virtual ~interface() = default;
        virtual std::unique_ptr<interface> copy() const = 0;
        virtual void check() const = 0;
        virtual symbol needs() const = 0;
        virtual bool has_ratio() const = 0;
        virtual std::int64_t group_size() const = 0;
        virtual bool is_guarded() const = 0;
        virtual evaluation evaluate(rollout<libtorch::field> const&) = 0;
        virtual std::string first_non_finite(rollout<libtorch::field> const&) const = 0;
        virtual experience<libtorch::field> weigh(experience<libtorch::field>, double) const = 0;
        virtual measured_loss loss(experience<libtorch::field> const&, prediction<libtorch::field> const&) const = 0;
        virtual verdict guard(step_summary const&) const = 0;
        virtual std::vector<run::any_knob> knobs() = 0;
        virtual void assume_response_length(double) = 0;
        virtual void check_response_length(double) const = 0;
        virtual void visit_state(run::state_archive&) = 0;
    };

    template <class Algorithm>
    struct erased final : interface {
        Algorithm algorithm;

        explicit erased(Algorithm given) : algorithm(std::move(given)) {}
        std::unique_ptr<interface> copy() const override { return std::make_unique<erased>(*this); }
        void check() const override {
            validate(algorithm);
            group_size_of(algorithm);
        }
        symbol needs() const override { return proximal::needs(algorithm); }
        bool has_ratio() const override { return reads_of(algorithm.formula).reads(source::old_logprob); }
        std::int64_t group_size() const override { return group_size_of(algorithm); }
        bool is_guarded() const override { return !std::same_as<decltype(algorithm.guard), unguarded>; }
        evaluation evaluate(rollout<libtorch::field> const& recorded) override {
            evaluation result;
            report(algorithm, [&](std::string_view name, double value) { result.reported.set(name, value); });
            auto const shaped = run_and_adapt(algorithm.shaper, recorded, charges<libtorch::field>{result.charged});
            result.judged = run_and_adapt(algorithm.estimator, shaped);
            return result;
        }
        std::string first_non_finite(rollout<libtorch::field> const& recorded) const override {
            auto found = array_not_finite(recorded);
            if (!found.empty()) return found;
            auto copy = algorithm;
            auto const shaped = run_and_adapt(copy.shaper, recorded, non_finite_tracer{found});
            run_and_adapt(copy.estimator, shaped, non_finite_tracer{found});
            return found;
        }
        experience<libtorch::field> weigh(experience<libtorch::field> mini_batch, double micro_batches) const override {
            return proximal::weigh(algorithm, std::move(mini_batch), micro_batches);
        }
        measured_loss loss(experience<libtorch::field> const& then,
                           prediction<libtorch::field> const& now) const override {
            auto const measured = libtorch::fused_loss(algorithm, then, now);
            measured_loss result{measured.loss.tensor, {}};
            boost::hana::for_each(measured.metrics, [&](auto const& metric) {
                if (!absent(metric.value)) result.metrics.emplace_back(metric.name, metric.value.tensor);
            });
            return result;
        }
        verdict guard(step_summary const& step) const override { return algorithm.guard(step); }
        std::vector<run::any_knob> knobs() override { return run::any_knobs(algorithm); }
        void assume_response_length(double tokens) override { proximal::assume_response_length(algorithm, tokens); }
        void check_response_length(double longest) const override {
            proximal::check_response_length(algorithm, longest);
        }
        void visit_state(run::state_archive& archive) override { visit_state_of_parts(algorithm, archive); }
    };

    std::unique_ptr<interface> self_;
    symbol needs_;
};

}  // namespace proximal::lm
