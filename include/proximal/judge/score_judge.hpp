// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <proximal/io/stop_signal.hpp>
#include <proximal/judge/comparison.hpp>
#include <proximal/judge/pairwise_judge.hpp>
#include <proximal/judge/win_rate.hpp>
#include <proximal/run/text_scorer.hpp>
#include <proximal/text/rouge.hpp>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

namespace proximal::judge {

namespace detail {
inline text::text_episode episode_of(answer_pair const& pair, std::string const& answer) {
    nlohmann::json record = {{"id", pair.id}};
    if (!pair.target.empty()) record["target"] = pair.target;
    return {.prompt = pair.prompt, .response = answer, .messages = {}, .record = std::move(record)};
}
}  // namespace detail

/// Has each pair judged by the scores of its answers: a reward model, a rule, a program, ROUGE-L. The higher score
/// wins, equal ones tie; no score, or one that is not finite, is a failure. A score knows no order of answers.
///
/// The scorer gets `batch_size` pairs at a time, each pair's model answer and then its reference. Where it throws, or
/// a signal comes between batches, what was judged is kept, and `stopped` says why.
/// Throws std::invalid_argument where two pairs share an id.
inline judging judge_by_scores(std::span<answer_pair const> pairs, run::text_scorer const& score,
                               judging_options const& options = {}, std::int64_t batch_size = 64) {
    detail::check_ids(pairs);
    judging result{.outcomes = {}, .total = static_cast<std::int64_t>(pairs.size())};
    tally counts;
    auto const step = static_cast<std::size_t>(std::max<std::int64_t>(batch_size, 1));
    try {
        for (std::size_t begin = 0; begin < pairs.size(); begin += step) {
            io::throw_if_stopped();
            auto const batch = pairs.subspan(begin, std::min(step, pairs.size() - begin));
            std::vector<text::text_episode> episodes;
            for (auto const& pair : batch)
                for (auto const* const answer : {&pair.model, &pair.reference})
                    episodes.push_back(detail::episode_of(pair, *answer));
            auto const scores = score(episodes);
            if (scores.size() != episodes.size())
                throw std::runtime_error(fmt::format("the scorer gave {} scores for {} answers: one for each is wanted",
                                                     scores.size(), episodes.size()));
            for (std::size_t i = 0; i < batch.size(); ++i) {
                auto const &model = scores[2 * i].score, &reference = scores[2 * i + 1].score;
                outcome one{.id = batch[i].id,
                            .model_length = answer_length(batch[i].model),
                            .reference_length = answer_length(batch[i].reference)};
                if (!model || !std::isfinite(*model)) one.why = "the scorer gave the model's answer no finite score";
                else if (!reference || !std::isfinite(*reference))
                    one.why = "the scorer gave the reference no finite score";
                else
                    one.result = *model > *reference   ? verdict::win
                                 : *model < *reference ? verdict::loss
                                                       : verdict::tie;
                result.outcomes.push_back(std::move(one));
            }
            counts = count(result.outcomes);
            if (options.progress) options.progress(counts.total(), result.total, counts);
        }
    } catch (io::interrupted const& stop) {
        result.signal = stop.signal();
        result.stopped = fmt::format("{} after {} of {} pairs", stop.what(), result.outcomes.size(), pairs.size());
    } catch (std::exception const& error) {
        result.stopped = error.what();
    }
    return result;
}

/// Scores an answer by its ROUGE-L F1 against the pair's target, or against the prompt where the pair has none.
inline run::text_scorer rouge_l_scorer() {
    return [](std::vector<text::text_episode> const& episodes) {
        std::vector<run::text_score> scores;
        for (auto const& episode : episodes) {
            auto const target = episode.record.find("target");
            auto const text = target == episode.record.end() ? episode.prompt : target->get<std::string>();
            scores.push_back({.score = text::rouge_l(episode.response, text).f1});
        }
        return scores;
    };
}

}  // namespace proximal::judge
