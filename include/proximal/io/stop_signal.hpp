// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <unistd.h>

#include <array>
#include <csignal>
#include <stdexcept>
#include <string>
#include <string_view>

namespace proximal::io {

/// The program was asked to stop; what it works at is to be saved on the way out.
class interrupted : public std::runtime_error {
   public:
    explicit interrupted(int signal)
        : std::runtime_error(std::string("stopped by ") + (signal == SIGINT    ? "SIGINT (Ctrl-C)"
                                                           : signal == SIGTERM ? "SIGTERM"
                                                                               : "SIGHUP")),
          signal_(signal) {}
    int signal() const { return signal_; }

   private:
    int signal_;
};

namespace detail {
inline volatile std::sig_atomic_t stop_signal = 0, stops_in_silence = 0;

extern "C" inline void proximal_on_stop_signal(int signal) {
    if (stop_signal != 0) {  // asked twice: at once
        std::signal(signal, SIG_DFL);
        std::raise(signal);
        return;
    }
    stop_signal = signal;
    if (stops_in_silence != 0) return;
    constexpr std::string_view words = "\nstopping; once more stops at once\n";
    [[maybe_unused]] auto const written = ::write(STDERR_FILENO, words.data(), words.size());
}
}  // namespace detail

/// While one lives, SIGINT, SIGTERM and SIGHUP are noted instead of ending the program at once; a second one ends it.
/// What the program was started to ignore (nohup) it goes on ignoring. SIGPIPE is ignored: who read the output may go
/// (`| head`), the work goes on.
class stop_signals {
   public:
    /// Of several processes one says that it stops.
    explicit stop_signals(bool says_so = true) {
        detail::stop_signal = 0;
        detail::stops_in_silence = says_so ? 0 : 1;
        for (std::size_t i = 0; i < signals.size(); ++i) {
            struct sigaction action {};
            action.sa_handler = detail::proximal_on_stop_signal;
            ::sigaction(signals[i], nullptr, &before_[i]);
            if (before_[i].sa_handler != SIG_IGN) ::sigaction(signals[i], &action, nullptr);
        }
        struct sigaction ignore {};
        ignore.sa_handler = SIG_IGN;
        ::sigaction(SIGPIPE, &ignore, &pipe_before_);
    }
    stop_signals(stop_signals const&) = delete;
    stop_signals& operator=(stop_signals const&) = delete;
    ~stop_signals() {
        for (std::size_t i = 0; i < signals.size(); ++i) ::sigaction(signals[i], &before_[i], nullptr);
        ::sigaction(SIGPIPE, &pipe_before_, nullptr);
    }

   private:
    static constexpr std::array<int, 3> signals{SIGINT, SIGTERM, SIGHUP};
    std::array<struct sigaction, 3> before_{};
    struct sigaction pipe_before_ {};
};

/// The stop signal that was noted; 0: none.
inline int noted_signal() { return detail::stop_signal; }

/// Whether a stop signal was noted.
inline bool is_stopped() { return detail::stop_signal != 0; }

/// Throws `interrupted` where a stop signal was noted: called where a long work can end.
inline void throw_if_stopped() {
    if (int const signal = detail::stop_signal; signal != 0) throw interrupted(signal);
}

}  // namespace proximal::io
