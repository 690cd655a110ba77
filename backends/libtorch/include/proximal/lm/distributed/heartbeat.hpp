// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>
#include <unistd.h>

#include <torch/csrc/distributed/c10d/Store.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace proximal::lm {

/// Tells the other processes of a run that this one lives, and finds out when one of them no longer does.
///
/// A thread writes a beat into the shared store, ten times in a time-out, with the update that the run is at, and reads
/// the others': process 0 all of them, every other one process 0's and its verdict. One whose beat stands still for the
/// time-out is lost: killed, stopped, or cut off. It catches what a collective's own time-out finds half an hour later.
/// A process that works long between two collectives still beats.
/// Where the main thread does not end by itself within some seconds of a loss (it may wait for the lost one), the
/// program is ended here, with one line on stderr and status 1.
class heartbeat {
   public:
    using clock = std::chrono::steady_clock;

    /// `store` is this thread's own connection. `timeout` of 0: nobody is watched. One that was never heard of may
    /// start as much as `patience` later.
    heartbeat(c10::intrusive_ptr<c10d::Store> store, std::int64_t rank, std::int64_t world_size,
              std::chrono::milliseconds timeout, std::chrono::milliseconds patience = {})
        : store_(std::move(store)),
          rank_(rank),
          world_size_(world_size),
          timeout_(timeout),
          patience_(std::max(timeout, patience)) {
        char host[256] = "";
        ::gethostname(host, sizeof host - 1);
        who_ = fmt::format("{} pid {}", host, ::getpid());
        beat();
        if (timeout_.count() == 0) return;
        heard_ = now();
        thread_ = std::thread([this] { watch(); });
        guard_ = std::thread([this] { guard(); });
    }
    heartbeat(heartbeat const&) = delete;
    heartbeat& operator=(heartbeat const&) = delete;
    ~heartbeat() { leave("done"); }

    /// How far the run is.
    void at_update(std::int64_t update) { update_ = update; }
    /// Ends beating, with a last word: "done", or "failed: ..." with the reason.
    void leave(std::string const& word) {
        bool is_silent = false;
        {
            std::lock_guard const lock(mutex_);
            if (std::exchange(has_left_, true)) return;
            is_silent = is_silent_;
        }
        wake_.notify_all();
        // A thread that waits for a store behind a cut network cannot be joined: the guard ends the program.
        while (is_silent) std::this_thread::sleep_for(std::chrono::hours(1));
        if (guard_.joinable()) guard_.join();
        if (thread_.joinable()) thread_.join();
        try {
            store_->set(key(rank_), word);
        } catch (std::exception const&) {  // the store is gone with its process
        }
    }
    /// Who was lost, where that is known already; empty else.
    std::string known_loss() {
        std::scoped_lock const lock(mutex_);
        return loss_;
    }
    /// Who was lost, once that is known: waits for it as long as it can take. Empty: all are heard of.
    std::string loss() {
        std::unique_lock lock(mutex_);
        is_told_ = true;
        wake_.wait_for(lock, timeout_ + std::chrono::seconds(2), [this] { return !loss_.empty() || has_left_; });
        return loss_;
    }

   private:
    struct peer {
        std::int64_t rank;
        std::string last{};
        clock::time_point since{};
    };
    static std::string key(std::int64_t rank) { return "beat/" + std::to_string(rank); }
    void beat() { store_->set(key(rank_), fmt::format("{} {} {}", ++beats_, update_.load(), who_)); }

    void watch() {
        std::vector<peer> peers;
        if (rank_ != 0) peers.push_back({0});
        else
            for (std::int64_t rank = 1; rank < world_size_; ++rank) peers.push_back({rank});
        for (auto& peer : peers) peer.since = clock::now();
        auto const pause = std::clamp<std::chrono::milliseconds>(timeout_ / 10, std::chrono::milliseconds(50),
                                                                 std::chrono::milliseconds(1000));
        for (;;) {
            {
                std::unique_lock lock(mutex_);
                if (wake_.wait_for(lock, pause, [this] { return has_left_; })) return;
            }
            std::string found;
            try {
                beat();
                for (auto& peer : peers)
                    if (found.empty()) found = trouble_of(peer);
                if (rank_ == 0 && !found.empty()) store_->set("verdict", found);
                if (rank_ != 0 && found.empty() && store_->check({"verdict"})) found = store_->get_to_str("verdict");
            } catch (std::exception const&) {
                found =
                    "the processes' store no longer answers: process 0 or its launcher has ended, or the network "
                    "between them";
            }
            heard_ = now();
            if (!found.empty()) return end_with(found);
        }
    }
    /// Watches the thread that asks the store: it hangs where the network to it is cut.
    void guard() {
        for (;;) {
            {
                std::unique_lock lock(mutex_);
                if (wake_.wait_for(lock, std::chrono::milliseconds(200),
                                   [this] { return has_left_ || !loss_.empty(); }))
                    return;
                if (std::chrono::milliseconds(now() - heard_) < timeout_ + std::chrono::seconds(1)) continue;
                is_silent_ = true;
            }
            return end_with(fmt::format(
                "the processes' store has not answered for {:.0f} s: the network to process 0 or its launcher is cut",
                std::chrono::duration<double>(timeout_).count()));
        }
    }
    static std::int64_t now() {
        return std::chrono::duration_cast<std::chrono::milliseconds>(clock::now().time_since_epoch()).count();
    }
    /// What is wrong with a peer, in a sentence; empty where nothing is.
    std::string trouble_of(peer& peer) {
        if (!store_->check({key(peer.rank)})) return silent(peer);
        auto const word = store_->get_to_str(key(peer.rank));
        if (word.starts_with("failed: ")) return fmt::format("process {} ended: {}", peer.rank, word.substr(8));
        if (word == "done" || word != peer.last) {
            peer.last = word;
            peer.since = clock::now();
            return {};
        }
        return silent(peer);
    }
    std::string silent(peer const& peer) const {
        if (clock::now() - peer.since < (peer.last.empty() ? patience_ : timeout_)) return {};
        auto const first = peer.last.find(' '), second = peer.last.find(' ', first + 1);
        if (first == std::string::npos || second == std::string::npos)
            return fmt::format("process {} was never heard of", peer.rank);
        return fmt::format(
            "process {} ({}) has not been heard of for {:.0f} s, since update {}: it was killed or "
            "stopped, or its network is cut",
            peer.rank, peer.last.substr(second + 1), std::chrono::duration<double>(timeout_).count(),
            peer.last.substr(first + 1, second - first - 1));
    }
    void end_with(std::string const& found) {
        std::unique_lock lock(mutex_);
        loss_ = found;
        wake_.notify_all();
        // Whoever waits in a collective is told by it in most cases, and saves what it can.
        auto const grace = std::chrono::seconds(5);
        bool leaves = wake_.wait_for(lock, grace, [this] { return has_left_; });
        if (!leaves && is_told_) leaves = wake_.wait_for(lock, std::chrono::seconds(20), [this] { return has_left_; });
        if (leaves && !is_silent_) return;
        std::fflush(stdout);
        fmt::print(stderr, "\nprocess {}: {}\n", rank_, found);
        std::_Exit(1);
    }

    c10::intrusive_ptr<c10d::Store> store_;
    std::int64_t rank_, world_size_;
    std::chrono::milliseconds timeout_, patience_;
    std::string who_;
    std::int64_t beats_ = 0;
    std::atomic<std::int64_t> update_ = 0;
    std::mutex mutex_;
    std::condition_variable wake_;
    bool has_left_ = false, is_told_ = false, is_silent_ = false;
    std::atomic<std::int64_t> heard_ = 0;  // when the store answered last, ms
    std::string loss_;
    std::thread thread_, guard_;
};

}  // namespace proximal::lm
