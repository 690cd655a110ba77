// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <proximal/compose/reflect.hpp>
#include <proximal/judge/answer_cache.hpp>
#include <proximal/judge/api_key.hpp>
#include <proximal/judge/chat_endpoint.hpp>
#include <proximal/judge/comparison.hpp>
#include <proximal/judge/cost.hpp>
#include <proximal/judge/endpoint_judge.hpp>
#include <proximal/judge/judge_options.hpp>
#include <proximal/judge/judge_prompt.hpp>
#include <proximal/judge/judge_report.hpp>
#include <proximal/judge/pairwise_judge.hpp>
#include <proximal/judge/score_judge.hpp>
#include <proximal/run/command_scorer.hpp>
#include <proximal/run/stopwatch.hpp>
#include <proximal/run/text_scorer.hpp>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace proximal::judge {

/// What a program lends to a judging.
struct judge_hooks {
    run::text_scorer score{};  // of reward_model, and of rule where no judge_command is given
    std::function<void(std::int64_t done, std::int64_t total, tally const&)> progress{};
    std::function<void(std::string const&)> say{};  // one sentence before the first question: what is asked, its cost
};

/// The settings of the endpoint that the options name; the key comes from the environment.
/// Throws std::invalid_argument where OpenAI's own endpoint, or a variable that was chosen, has no key.
inline chat_settings chat_settings_of(judge_options const& options) {
    auto key = api_key::from_environment(options.judge_api_key_env);
    bool const was_chosen = options.judge_api_key_env != judge_options{}.judge_api_key_env;
    if (key.empty() && (was_chosen || options.judge_base_url.find("://api.openai.com") != std::string::npos))
        throw std::invalid_argument(
            fmt::format("the environment variable {0} holds no key for {1}: export {0}, or give --judge_base_url of a "
                        "server that wants none",
                        options.judge_api_key_env, options.judge_base_url));
    return {.base_url = options.judge_base_url,
            .model = options.judge_model,
            .key = std::move(key),
            .max_tokens = options.judge_max_tokens,
            .connect_timeout = seconds(options.judge_connect_timeout),
            .timeout = seconds(options.judge_timeout),
            .retries = {.max_retries = options.judge_max_retries, .first = seconds(options.judge_retry_delay)},
            .requests_per_minute = options.judge_requests_per_minute,
            .prices = {options.judge_price_in, options.judge_price_out},
            .max_cost = options.judge_max_cost};
}

/// What judging these pairs will take, about, if no answer is kept from before.
inline token_usage estimated_usage(std::span<answer_pair const> pairs, judge_options const& options) {
    token_usage sum;
    for (auto const& pair : pairs)
        sum +=
            estimated_usage(judge_prompt({pair.id, pair.prompt, pair.model, pair.reference}), options.judge_max_tokens);
    if (options.judge_both_orders) sum += sum;
    return sum;
}

namespace detail {
inline report run_endpoint(judge_options const& options, std::span<answer_pair const> pairs, judging_options const& how,
                           judge_hooks const& hooks) {
    chat_endpoint endpoint(chat_settings_of(options));
    std::optional<answer_cache> cache;
    if (options.judge_cache) cache.emplace(*options.judge_cache);
    endpoint_judge judge(endpoint, cache ? &*cache : nullptr);
    auto const expected = estimated_usage(pairs, options);
    double const estimate = cost(expected, endpoint.settings().prices);
    auto const name = fmt::format("{} at {}", options.judge_model, endpoint.settings().base_url);
    if (hooks.say)
        hooks.say(fmt::format("{} pairs go to {}: about {} tokens{}", pairs.size(), name,
                              expected.prompt_tokens + expected.completion_tokens,
                              estimate > 0.0 ? fmt::format(", which cost about {:.4g}", estimate) : ""));
    auto made = make_report(judge_pairs(pairs, std::ref(judge), how), options.seed);
    made.judge = name;
    made.is_endpoint = true;
    made.cost = {.usage = endpoint.meter().usage(),
                 .cost = endpoint.meter().spent(),
                 .estimate = estimate,
                 .requests = endpoint.requests(),
                 .retries = endpoint.retries(),
                 .from_cache = judge.from_cache()};
    return made;
}
}  // namespace detail

/// A whole judging, but for the generation: the first num_examples pairs, by whom the options name. Where it was
/// stopped (by a signal, a judge that does not answer, the cap on the cost), the report says why and holds what was
/// done: keep it by write_report(), show it by to_text(), and end by require_whole().
///
/// Throws std::invalid_argument before anything is asked where the options are not valid, a key or a scorer is missing,
/// or two pairs share an id; std::runtime_error where the cache cannot be opened.
inline report run(judge_options const& options, std::span<answer_pair const> pairs, judge_hooks const& hooks = {}) {
    validate(options);
    if (options.num_examples && static_cast<std::size_t>(*options.num_examples) < pairs.size())
        pairs = pairs.first(static_cast<std::size_t>(*options.num_examples));
    if (pairs.empty()) throw std::invalid_argument("there is no pair to judge: give some");
    judging_options const how{.seed = options.seed,
                              .both_orders = options.judge_both_orders,
                              .concurrency = options.judge_concurrency,
                              .max_failures_in_a_row = options.judge_max_failures,
                              .progress = hooks.progress};
    run::stopwatch const clock;
    report made;
    if (options.judge == "endpoint") {
        made = detail::run_endpoint(options, pairs, how, hooks);
    } else {
        auto score = hooks.score;
        if (options.judge == "rouge_l") score = rouge_l_scorer();
        if (options.judge == "rule" && options.judge_command)
            score = [program =
                         std::make_shared<run::command_scorer>(*options.judge_command, seconds(options.judge_timeout))](
                        std::vector<text::text_episode> const& episodes) { return (*program)(episodes); };
        if (!score)
            throw std::invalid_argument(options.judge == "rule"
                                            ? "--judge rule needs a rule: give --judge_command PROGRAM"
                                            : "--judge reward_model needs a reward model: give its path");
        made = make_report(judge_by_scores(pairs, score, how), options.seed);
        made.judge = options.judge == "rule" && options.judge_command ? *options.judge_command : options.judge;
    }
    made.both_orders = options.judge_both_orders;
    made.rouge = rouge_against_references(pairs);
    made.took = clock.total();
    return made;
}

}  // namespace proximal::judge
