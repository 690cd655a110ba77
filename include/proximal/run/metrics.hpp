// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace proximal::run {

/// The numbers that one update is described by, in the order they were measured, each under its name.
class metrics {
   public:
    using value_type = std::pair<std::string, double>;

    /// Adds a number, or replaces the one of this name.
    void set(std::string_view name, double value) {
        for (auto& [known, number] : numbers_)
            if (known == name) {
                number = value;
                return;
            }
        numbers_.emplace_back(name, value);
    }
    /// The number of this name, or null.
    double const* find(std::string_view name) const {
        for (auto const& [known, number] : numbers_)
            if (known == name) return &number;
        return nullptr;
    }
    auto begin() const { return numbers_.begin(); }
    auto end() const { return numbers_.end(); }
    bool empty() const { return numbers_.empty(); }

   private:
    std::vector<value_type> numbers_;
};

/// Whether a metric tells of the clock and the machine, not of learning: it differs between runs that are else equal.
inline bool is_of_the_machine(std::string_view name) {
    return name == "eps" || name == "tokens_per_second" || name.starts_with("time/") || name.starts_with("memory/") ||
           name.starts_with("compute/");
}

}  // namespace proximal::run
