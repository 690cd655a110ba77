// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace proximal::text {

/// Told how many of all are done, now and then and at the end.
using load_progress = std::function<void(std::size_t done, std::size_t total)>;

/// Calls `work(i)` for i in [0, count), on several threads: `threads`, or with 0 as many as there are cores.
/// `progress` is called by the calling thread alone. Where calls throw, the exception of the first i passes, and the
/// rest is left undone.
template <class Work>
void parallel_for(std::size_t count, std::size_t threads, Work const& work, load_progress const& progress = {}) {
    constexpr std::size_t chunk = 32;
    std::atomic<std::size_t> next = 0, done = 0;
    std::mutex mutex;
    std::size_t failed_at = count;
    std::exception_ptr failure;
    std::atomic<bool> stop = false;
    // Chunks are given out in order and finished once begun: the first failure is the same on any number of threads.
    auto const take = [&](auto const& after_chunk) {
        while (!stop) {
            auto const begin = next.fetch_add(chunk), end = std::min(begin + chunk, count);
            if (begin >= count) return;
            for (auto i = begin; i < end; ++i) try {
                    work(i);
                } catch (...) {
                    std::lock_guard const lock(mutex);
                    if (i < failed_at) failed_at = i, failure = std::current_exception();
                    stop = true;
                    return;
                }
            done += end - begin;
            after_chunk();
        }
    };
    if (threads == 0) threads = std::max(1u, std::thread::hardware_concurrency());
    threads = std::clamp<std::size_t>((count + chunk - 1) / chunk, 1, threads);
    {
        std::vector<std::jthread> others;
        for (std::size_t i = 1; i < threads; ++i) others.emplace_back([&] { take([] {}); });
        std::exception_ptr told;  // a progress that throws must not leave the others running on what is gone
        try {
            take([&] {
                if (progress) progress(done, count);
            });
        } catch (...) {
            told = std::current_exception();
            stop = true;
        }
        others.clear();
        if (told) std::rethrow_exception(told);
    }
    if (failure) std::rethrow_exception(failure);
    if (progress) progress(count, count);
}

}  // namespace proximal::text
