// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <optional>
#include <proximal/io/stop_signal.hpp>
#include <proximal/judge/comparison.hpp>
#include <proximal/judge/cost.hpp>
#include <proximal/judge/win_rate.hpp>
#include <proximal/run/random_stream.hpp>
#include <set>
#include <span>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace proximal::judge {

/// Which of two answers is better. It is called by several threads at once. What it cannot say is an opinion without a
/// preference; an exception (a wrong key, a cost that is reached) ends the whole judging, with its sentence. Asked to
/// stop, it comes back soon, with no preference.
using pairwise_judge = std::function<opinion(question const&, std::stop_token const&)>;

/// How pairs are judged. `progress(done, total, counts)` is called by the thread that called judge_pairs().
struct judging_options {
    std::uint64_t seed = 42;
    bool both_orders = false;
    std::int64_t concurrency = 8;             // pairs in flight
    std::int64_t max_failures_in_a_row = 10;  // then the judge is given up
    std::function<void(std::int64_t, std::int64_t, tally const&)> progress{};
};

/// What came of a judging: an outcome for each pair that was got through, in the order of the pairs. `stopped` says why
/// there are not all of them, and is empty where there are; `signal` is the one that stopped it, or 0.
struct judging {
    std::vector<outcome> outcomes;
    std::int64_t total = 0;
    std::string stopped{};
    int signal = 0;
};

/// Whether the model's answer is shown first: as good as a coin, from the seed and the pair's id alone, so that neither
/// the other pairs nor the threads change it.
constexpr bool model_comes_first(std::uint64_t seed, std::string_view id) {
    std::uint64_t bits = run::stream_seed(seed, id);  // whose lowest bits are the parity of the letters'
    bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9u;
    bits = (bits ^ (bits >> 27)) * 0x94d049bb133111ebu;
    return ((bits ^ (bits >> 31)) & 1u) != 0;  // Steele, Lea and Flood (2014): the finaliser of SplitMix
}

namespace detail {
inline verdict verdict_of(preference preferred, bool model_first) {
    if (preferred == preference::tie) return verdict::tie;
    return (preferred == preference::first) == model_first ? verdict::win : verdict::loss;
}

inline outcome judge_pair(answer_pair const& pair, pairwise_judge const& judge, judging_options const& options,
                          std::stop_token const& stop) {
    outcome result{.id = pair.id,
                   .model_first = model_comes_first(options.seed, pair.id),
                   .both_orders = options.both_orders,
                   .model_length = answer_length(pair.model),
                   .reference_length = answer_length(pair.reference)};
    auto const ask = [&](bool model_first) -> std::optional<verdict> {
        auto const& first = model_first ? pair.model : pair.reference;
        auto const& second = model_first ? pair.reference : pair.model;
        auto said = judge({pair.id, pair.prompt, first, second, model_first}, stop);
        result.usage += said.usage;
        if (said.preferred) return verdict_of(*said.preferred, model_first);
        result.why = std::move(said.why);
        return std::nullopt;
    };
    auto const once = ask(result.model_first);
    if (!once) return result;
    result.result = *once;
    if (!options.both_orders) return result;
    auto const again = ask(!result.model_first);
    result.inconsistent = again && *again != *once;
    if (!again) result.result = verdict::failure;
    else if (result.inconsistent) result.result = verdict::tie;
    return result;
}

inline void check_ids(std::span<answer_pair const> pairs) {
    std::set<std::string_view> ids;
    for (auto const& pair : pairs)
        if (!ids.insert(pair.id).second)
            throw std::invalid_argument("two pairs have the id '" + pair.id + "': give each pair an id of its own");
}
}  // namespace detail

/// Has each pair judged: in a random order of its answers, or with `both_orders` in either one. Of two orders the same
/// verdict twice is the verdict; two different ones are a tie, counted as inconsistent; one failure is a failure.
///
/// `concurrency` pairs are in flight at once. What was judged is kept and `stopped` says why where a signal comes
/// (while an io::stop_signals lives), the judge throws, or so many pairs in a row fail.
/// Throws std::invalid_argument where two pairs share an id, and what `progress` throws.
inline judging judge_pairs(std::span<answer_pair const> pairs, pairwise_judge const& judge,
                           judging_options const& options = {}) {
    detail::check_ids(pairs);
    auto const total = static_cast<std::int64_t>(pairs.size());
    judging result{.outcomes = {}, .total = total};
    std::vector<std::optional<outcome>> found(pairs.size());
    std::stop_source stop;
    std::mutex mutex;  // guards found, result, counts, the three numbers
    std::condition_variable news;
    tally counts;
    std::int64_t done = 0, failures_in_a_row = 0;
    auto const threads = std::clamp<std::int64_t>(options.concurrency, 1, std::max<std::int64_t>(total, 1));
    std::int64_t working = threads;
    std::atomic<std::size_t> next = 0;

    std::atomic<bool> is_over = false;  // no pair is begun any more; those in flight go on until asked to stop

    auto const end = [&](std::string why) {  // under the mutex
        if (result.stopped.empty()) result.stopped = std::move(why);
        is_over = true;
    };
    auto const take = [&](std::size_t i, outcome one) {
        std::lock_guard const lock(mutex);
        bool const failed = one.result == verdict::failure;
        if (failed && stop.stop_requested()) return;  // it was not let finish
        failures_in_a_row = failed ? failures_in_a_row + 1 : 0;
        auto const one_counts = count(std::span(&one, 1));
        counts.wins += one_counts.wins, counts.losses += one_counts.losses, counts.ties += one_counts.ties;
        counts.failures += one_counts.failures, counts.inconsistent += one_counts.inconsistent;
        ++done;
        if (failures_in_a_row >= options.max_failures_in_a_row) {
            end(fmt::format(
                "the judge failed {} times in a row and was given up after {} of {} pairs; the last time: {}",
                failures_in_a_row, done, total, one.why));
            stop.request_stop();
        }
        found[i] = std::move(one);
        news.notify_one();
    };
    auto const work = [&] {
        for (std::size_t i; !is_over && (i = next++) < pairs.size();) {
            try {
                take(i, detail::judge_pair(pairs[i], judge, options, stop.get_token()));
            } catch (cost_cap_reached const& error) {
                std::lock_guard const lock(mutex);
                end(error.what());  // what is in flight is paid for, and finishes
            } catch (std::exception const& error) {
                std::lock_guard const lock(mutex);
                end(error.what());
                stop.request_stop();
            }
        }
        std::lock_guard const lock(mutex);
        --working;
        news.notify_one();
    };
    {
        std::vector<std::jthread> workers;
        try {
            for (std::int64_t i = 0; i < threads; ++i) workers.emplace_back(work);
            std::unique_lock lock(mutex);
            for (std::int64_t shown = -1; working > 0 || shown < done;) {
                if (shown < done && options.progress) {
                    auto const counts_now = counts;
                    shown = done;
                    lock.unlock();
                    options.progress(shown, total, counts_now);
                    lock.lock();
                } else {
                    shown = done;
                }
                if (io::is_stopped() && result.signal == 0) {
                    result.signal = io::detail::stop_signal;
                    end(fmt::format("{} after {} of {} pairs", io::interrupted(result.signal).what(), done, total));
                    stop.request_stop();
                }
                if (working > 0 && shown == done) news.wait_for(lock, std::chrono::milliseconds(50));
            }
        } catch (...) {
            is_over = true;
            stop.request_stop();
            throw;
        }
    }
    for (auto& one : found)
        if (one) result.outcomes.push_back(std::move(*one));
    if (done == total) result.stopped.clear(), result.signal = 0;  // it came too late to matter
    return result;
}

}  // namespace proximal::judge
