// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <span>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

namespace proximal::run {

/// Numbers in memory, as a file of tensors would hold them: row-major, the dtype spelt as safetensors spells it
/// ("F32").
struct state_array {
    std::string dtype;
    std::vector<std::int64_t> shape;
    std::span<std::byte> bytes;  // the owner's: read from where state is written, written to where it is read
};

/// Writes the state of a run down, or reads it back, a named value at a time: one function serves both.
///
///     void visit_state(state_archive& archive) {
///         archive("taken", taken_);
///         archive.within("engine", engine_);
///     }
///
/// Names are unique and stay the same from version to version; a scope's stands before those inside it, "cursor/taken".
/// Reading throws std::runtime_error, naming the value, where there is none of that name, type or shape.
class state_archive {
   public:
    /// Where a value lies that is written or read.
    using reference = std::variant<bool*, std::int64_t*, std::uint64_t*, double*, std::string*,
                                   std::vector<std::int64_t>*, state_array*>;

    virtual ~state_archive() = default;
    /// Whether values are read back; else they are written down.
    virtual bool is_reading() const = 0;
    /// Whether there is anything of a scope's to read: of a listener that the saved run did not have there is not.
    virtual bool holds(std::string_view /*scope*/) const { return true; }

    /// Writes or reads one value.
    template <class T>
    void operator()(std::string_view name, T& value) {
        if constexpr (std::is_same_v<T, std::mt19937_64>) {
            std::ostringstream out;
            out << value;
            std::string text = out.str();
            visit(path(name), &text);
            std::istringstream in(text);
            if (is_reading() && !(in >> value))
                throw std::runtime_error("the saved state of the random numbers '" + path(name) + "' is damaged");
        } else if constexpr (std::is_same_v<T, int>) {
            std::int64_t wide = value;
            visit(path(name), &wide);
            value = static_cast<int>(wide);
        } else {
            visit(path(name), &value);
        }
    }
    /// Writes or reads what a thing shows by its own visit_state(archive), under a name of its own.
    template <class T>
    void within(std::string_view name, T& stateful) {
        auto const outer = scope_;
        scope_ = path(name) + "/";
        stateful.visit_state(*this);
        scope_ = outer;
    }

   protected:
    virtual void visit(std::string const& path, reference value) = 0;

   private:
    std::string path(std::string_view name) const { return scope_ + std::string(name); }
    std::string scope_;
};

}  // namespace proximal::run
