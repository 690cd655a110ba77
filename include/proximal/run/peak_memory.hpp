// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/resource.h>

namespace proximal::run {

/// The most memory of the host that this process has held so far, in megabytes of 1,000,000 bytes: its resident set.
inline double peak_memory_mb() {
    struct rusage used {};
    ::getrusage(RUSAGE_SELF, &used);
    return static_cast<double>(used.ru_maxrss) * 1024e-6;  // Linux counts kibibytes
}

}  // namespace proximal::run
