// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <proximal/io/stop_signal.hpp>

namespace judge_test {

/// Notes stop signals while it lives, and leaves none noted for the next test.
struct noted_signals {
    proximal::io::stop_signals noted{};
    ~noted_signals() { proximal::io::detail::stop_signal = 0; }
};

}  // namespace judge_test
