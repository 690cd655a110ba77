// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace proximal {

/// What a mini-batch said of the policy before the optimizer steps on it: means over its response tokens.
struct step_summary {
    double approxkl = 0.0;  // ½ (log π − log π_old)²
    double ratio = 1.0;     // π / π_old
};

/// What becomes of an optimizer step: it is taken, left out, or left out with all that would follow in this update.
enum class verdict { take, skip, stop };

}  // namespace proximal
