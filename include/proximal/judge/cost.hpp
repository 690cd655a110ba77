// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <mutex>
#include <optional>
#include <proximal/judge/comparison.hpp>
#include <stdexcept>
#include <string_view>

namespace proximal::judge {

/// What a million tokens cost, read and written, in any currency.
struct token_prices {
    double in = 0.0, out = 0.0;
};

constexpr double cost(token_usage const& usage, token_prices const& prices) {
    return (static_cast<double>(usage.prompt_tokens) * prices.in +
            static_cast<double>(usage.completion_tokens) * prices.out) /
           1e6;
}

/// Tokens that a prompt will take, about: a token for each four bytes, some for the message around it, and `completion`
/// for the answer. No tokenizer is asked, as the judge's is not known.
constexpr token_usage estimated_usage(std::string_view prompt, std::int64_t completion) {
    return {static_cast<std::int64_t>(prompt.size() / 4) + 8, completion};
}

/// The next request could pass the cap.
class cost_cap_reached : public std::runtime_error {
   public:
    using std::runtime_error::runtime_error;
};

/// What was spent, and a cap that requests in flight do not pass together: each reserves its estimate first.
class cost_meter {
   public:
    explicit cost_meter(token_prices prices = {}, std::optional<double> cap = {}) : prices_(prices), cap_(cap) {}

    /// Gives what to hand back to settle(). Throws cost_cap_reached where it is not to be had.
    double reserve(token_usage const& estimate) {
        double const asked = cost(estimate, prices_);
        std::lock_guard const lock(mutex_);
        if (cap_ && spent_ + reserved_ + asked > *cap_)
            throw cost_cap_reached(
                fmt::format("the judge's cost has come to {:.4g} of --judge_max_cost {:g}: raise it to go on; what was "
                            "answered is kept",
                            spent_, *cap_));
        reserved_ += asked;
        return asked;
    }

    /// A request is over, and took this.
    void settle(double reserved, token_usage const& taken) {
        std::lock_guard const lock(mutex_);
        reserved_ -= reserved;
        spent_ += cost(taken, prices_);
        usage_ += taken;
    }

    double spent() const {
        std::lock_guard const lock(mutex_);
        return spent_;
    }
    token_usage usage() const {
        std::lock_guard const lock(mutex_);
        return usage_;
    }

   private:
    token_prices prices_;
    std::optional<double> cap_;
    mutable std::mutex mutex_;
    double spent_ = 0.0, reserved_ = 0.0;
    token_usage usage_;
};

}  // namespace proximal::judge
