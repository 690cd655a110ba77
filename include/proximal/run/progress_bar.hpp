// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

namespace proximal::run {

/// Columns of the terminal behind a stream, or `otherwise` where it is no terminal.
inline int terminal_width(std::FILE* stream, int otherwise = 100) {
    winsize size{};
    if (::ioctl(::fileno(stream), TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
    return otherwise;
}

/// "1:02:03" or "02:03".
inline std::string clock_text(double seconds) {
    auto const s = std::llround(std::max(0.0, seconds));
    return s < 3600 ? fmt::format("{:02}:{:02}", s / 60, s % 60)
                    : fmt::format("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60);
}

/// "45s", "2m10s", "1h02m".
inline std::string duration_text(double seconds) {
    auto const s = std::llround(std::max(0.0, seconds));
    if (s < 60) return fmt::format("{}s", s);
    return s < 3600 ? fmt::format("{}m{:02}s", s / 60, s % 60) : fmt::format("{}h{:02}m", s / 3600, s / 60 % 60);
}

/// A line on stderr that says how far a task is, how long it took and how long it will take.
///
/// On a terminal the line is redrawn in place; elsewhere (a log file, CI) a plain line appears every tenth of the way,
/// and once a minute at least.
class progress_bar {
   public:
    /// `begun_at` steps were done before the clock began, by the run that this one resumes.
    progress_bar(std::string title, std::int64_t total, bool enabled = true, std::int64_t begun_at = 0)
        : title_(std::move(title)),
          total_(total),
          begun_at_(begun_at),
          enabled_(enabled),
          terminal_(::isatty(::fileno(stderr)) != 0) {}

    /// `done` of `total` steps are done; `note` stands at the end of the line.
    void show(std::int64_t done, std::string_view note = "") {
        if (!enabled_ || total_ <= 0) return;
        double const elapsed = seconds(), share = static_cast<double>(done) / static_cast<double>(total_);
        if (terminal_ && done < total_ && elapsed - drawn_ < 0.05) return;
        bool const silent = static_cast<int>(share * 10) == tenth_ && elapsed - drawn_ < 60.0;
        if (!terminal_ && done < total_ && silent) return;
        tenth_ = static_cast<int>(share * 10);
        drawn_ = elapsed;
        std::string const eta = done > begun_at_ ? clock_text(remaining(elapsed, done)) : "--:--";
        std::string const counts = fmt::format("{} {:3.0f}%", title_, 100 * share);
        std::string times = fmt::format("{}/{} [{}<{}] {}", done, total_, clock_text(elapsed), eta, note);
        if (!terminal_) {
            fmt::print(stderr, "{} {}\n", counts, times);
            return;
        }
        int const width = terminal_width(stderr), beside = static_cast<int>(counts.size() + 3);
        int const room = std::clamp(width - beside - static_cast<int>(times.size()) - 2, 5, 40);
        times.resize(std::min(times.size(), static_cast<std::size_t>(std::max(0, width - beside - room))));
        int const filled = static_cast<int>(share * room);
        std::string bar;
        for (int i = 0; i < room; ++i) bar += i < filled ? "█" : "░";
        fmt::print(stderr, "\r\033[K{} {} {}", counts, bar, times);
        std::fflush(stderr);
        open_ = true;
    }

    /// What the task turned out to be long.
    void set_total(std::int64_t total) { total_ = total; }

    /// Frees the line, so that something else may be printed; the bar comes back with the next show().
    void clear() {
        if (enabled_ && terminal_ && open_) fmt::print(stderr, "\r\033[K");
        open_ = false;
    }
    /// Ends the line as it stands.
    void finish() {
        if (enabled_ && terminal_ && open_) fmt::print(stderr, "\n");
        open_ = false;
    }

   private:
    double remaining(double elapsed, std::int64_t done) const {
        return elapsed / static_cast<double>(done - begun_at_) * static_cast<double>(total_ - done);
    }
    double seconds() const { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count(); }
    std::string title_;
    std::int64_t total_, begun_at_;
    bool enabled_, terminal_, open_ = false;
    int tenth_ = -1;
    double drawn_ = -1.0;
    std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace proximal::run
