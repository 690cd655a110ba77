// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <signal.h>
#include <time.h>

#include <cerrno>

namespace proximal::io {

/// While it lives, a write to a pipe that nobody reads is an error (EPIPE) to this thread, and no signal that ends the
/// program. What the program itself has set up for SIGPIPE is as it was afterwards.
class no_sigpipe {
   public:
    no_sigpipe() {
        ::sigset_t pending;
        ::sigpending(&pending);
        was_pending_ = ::sigismember(&pending, SIGPIPE) == 1;
        ::sigemptyset(&pipe_);
        ::sigaddset(&pipe_, SIGPIPE);
        ::pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
    }
    no_sigpipe(no_sigpipe const&) = delete;
    no_sigpipe& operator=(no_sigpipe const&) = delete;
    ~no_sigpipe() {
        ::timespec const at_once{};
        if (!was_pending_)  // else it is somebody else's
            while (::sigtimedwait(&pipe_, nullptr, &at_once) < 0 && errno == EINTR) {}
        ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
    }

   private:
    ::sigset_t pipe_{}, before_{};
    bool was_pending_ = false;
};

}  // namespace proximal::io
