// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstdint>
#include <string_view>

namespace proximal::io {

/// A number for what was added, text by text: another text, order or boundary gives another number. It guards against
/// chance, not against an attacker. Source: Fowler, Noll and Vo, FNV-1a, 64 bits.
class running_hash {
   public:
    /// A text, and where it ends.
    running_hash& add(std::string_view text) {
        for (unsigned char const c : text) value_ = (value_ ^ c) * prime;
        return add(static_cast<std::uint64_t>(text.size()));
    }
    /// A number.
    template <std::integral Number>
    running_hash& add(Number number) {
        auto bits = static_cast<std::uint64_t>(number);
        for (int i = 0; i < 8; ++i, bits >>= 8) value_ = (value_ ^ (bits & 255)) * prime;
        return *this;
    }
    std::uint64_t value() const { return value_; }

   private:
    static constexpr std::uint64_t prime = 1099511628211u;
    std::uint64_t value_ = 14695981039346656037u;
};

}  // namespace proximal::io
