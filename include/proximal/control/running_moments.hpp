// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <proximal/array.hpp>

namespace proximal {

/// Mean and variance of all numbers seen so far, a batch at a time, without keeping them.
///
///     d = mean' − mean,   n = count + count'
///     mean ← mean + d count'/n,   squares ← squares + squares' + d² count count'/n
///
/// Source: Chan, Golub and LeVeque, Updating Formulae and a Pairwise Algorithm for Computing Sample Variances (1979);
/// TRL's RunningMoments.
struct running_moments {
    double count = 0.0;
    double mean = 0.0;
    double squares = 0.0;  // Σ (x − mean)²

    /// Takes a batch in: any shape, every number counts. Waits for the device.
    template <Array A>
    void absorb(A const& x) {
        double const more = item(proximal::count(x));
        A const centre = sum(x) / more;
        double const apart = item(centre) - mean, all = count + more;
        squares += item(A(sum(square(x - centre)))) + apart * apart * count * more / all;
        mean += apart * more / all;
        count = all;
    }
    /// Shows an archive what was seen.
    template <class Archive>
    constexpr void visit_state(Archive& archive) {
        archive("count", count);
        archive("mean", mean);
        archive("squares", squares);
    }

    /// The unbiased deviation; 1 before two numbers were seen.
    constexpr double deviation() const { return count > 1.0 ? std::sqrt(squares / (count - 1.0)) : 1.0; }
};

}  // namespace proximal
