// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdexcept>

namespace proximal::lm {

/// Another process of the run is gone, or no longer answers: what() says which one and the last update it was seen at.
/// No collective may follow.
struct lost_process : std::runtime_error {
    using std::runtime_error::runtime_error;
};

}  // namespace proximal::lm
