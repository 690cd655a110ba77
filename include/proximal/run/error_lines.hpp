// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace proximal::run {

/// What is wrong with a command line or a file, told together: a line each, so that several mistakes need no several
/// runs.
class error_lines {
   public:
    /// One more; what was said is not said twice.
    void add(std::string line) {
        if (std::find(lines_.begin(), lines_.end(), line) == lines_.end()) lines_.push_back(std::move(line));
    }
    /// Runs something; what it refuses by std::invalid_argument is one more. Gives whether it refused nothing.
    template <class F>
    bool gather(F const& f) {
        try {
            f();
            return true;
        } catch (std::invalid_argument const& error) {
            add(error.what());
            return false;
        }
    }

    bool empty() const { return lines_.empty(); }
    /// Throws std::invalid_argument of the first ten, where there are any.
    void refuse() const {
        static constexpr std::size_t most = 10;
        if (lines_.empty()) return;
        std::string text;
        for (std::size_t i = 0; i < std::min(most, lines_.size()); ++i) text += (i > 0 ? "\n" : "") + lines_[i];
        if (lines_.size() > most) text += "\nand " + std::to_string(lines_.size() - most) + " more";
        throw std::invalid_argument(text);
    }

   private:
    std::vector<std::string> lines_;
};

}  // namespace proximal::run
