// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>

#include <atomic>
#include <cstdint>
#include <proximal/judge/answer_cache.hpp>
#include <proximal/judge/chat_endpoint.hpp>
#include <proximal/judge/comparison.hpp>
#include <proximal/judge/judge_prompt.hpp>
#include <stop_token>
#include <string>
#include <utility>

namespace proximal::judge {

/// A pairwise_judge that asks a model behind an endpoint, or the answers kept from before. Give judge_pairs() a
/// std::ref of it. An answer without a verdict is a failure and is not kept, so that a later run asks anew.
class endpoint_judge {
   public:
    /// Both must outlive it; without a cache every question is asked.
    explicit endpoint_judge(chat_endpoint& endpoint, answer_cache* cache = nullptr)
        : endpoint_(&endpoint), cache_(cache) {}

    opinion operator()(question const& asked, std::stop_token const& stop) {
        auto const prompt = judge_prompt(asked);
        auto const key = answer_key(endpoint_->settings().model, endpoint_->url(), prompt, asked.model_first);
        if (cache_ != nullptr)
            if (auto const kept = cache_->find(key)) {
                if (auto const preferred = parse_judgement(kept->text)) {
                    ++from_cache_;
                    return {.preferred = preferred};
                }
            }
        auto answer = endpoint_->ask(prompt, stop);
        opinion result{.preferred = {}, .why = std::move(answer.why), .usage = answer.usage};
        if (!answer.text) return result;
        result.preferred = parse_judgement(*answer.text);
        if (!result.preferred)
            result.why = fmt::format("the judge answered {}, which is not A, B or tie",
                                     nlohmann::json(answer.text->substr(0, 60))
                                         .dump(-1, ' ', true, nlohmann::json::error_handler_t::replace));
        else if (cache_ != nullptr) cache_->keep(key, {std::move(*answer.text), answer.usage});
        return result;
    }

    /// Answers that were not asked for.
    std::int64_t from_cache() const { return from_cache_; }

   private:
    chat_endpoint* endpoint_;
    answer_cache* cache_;
    std::atomic<std::int64_t> from_cache_ = 0;
};

}  // namespace proximal::judge
