// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <proximal/run/state_archive.hpp>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace proximal::run {

/// Numbers of a saved state.
struct saved_array {
    std::string dtype;
    std::vector<std::int64_t> shape;
    std::vector<std::byte> bytes;
};

/// The state of a run, in memory: values by name.
using saved_state = std::map<std::string, std::variant<bool, std::int64_t, std::uint64_t, double, std::string,
                                                       std::vector<std::int64_t>, saved_array>>;

/// Writes what visits it into a saved_state. Throws std::logic_error where two values have one name.
class state_writer final : public state_archive {
   public:
    explicit state_writer(saved_state& state) : state_(state) {}
    bool is_reading() const override { return false; }

   protected:
    void visit(std::string const& path, reference value) override {
        bool const is_new = std::visit(
            [&](auto* x) {
                using Value = std::remove_pointer_t<decltype(x)>;
                if constexpr (std::is_same_v<Value, state_array>)
                    return state_
                        .emplace(path, saved_array{x->dtype, x->shape, std::vector(x->bytes.begin(), x->bytes.end())})
                        .second;
                else return state_.emplace(path, *x).second;
            },
            value);
        if (!is_new) throw std::logic_error("two values of a run's state are called '" + path + "': rename one");
    }

   private:
    saved_state& state_;
};

/// Reads a saved_state back into what visits it; finish() then says whether all of it was asked for.
class state_reader final : public state_archive {
   public:
    explicit state_reader(saved_state const& state) : state_(state) {}
    bool is_reading() const override { return true; }
    bool holds(std::string_view scope) const override {
        auto const first = state_.lower_bound(std::string(scope) + "/");
        return first != state_.end() && first->first.starts_with(std::string(scope) + "/");
    }

    /// Throws std::runtime_error where the state holds a value that nothing asked for: it is another kind of run's.
    void finish() const {
        for (auto const& [path, value] : state_)
            if (!read_.contains(path)) refuse("holds '" + path + "', which this run does not have");
    }

   protected:
    void visit(std::string const& path, reference value) override {
        auto const found = state_.find(path);
        if (found == state_.end()) refuse("holds no '" + path + "'");
        read_.insert(path);
        std::visit([&](auto* x) { read(path, found->second, *x); }, value);
    }

   private:
    template <class Saved, class Value>
    static void read(std::string const& path, Saved const& saved, Value& value) {
        if constexpr (std::is_same_v<Value, state_array>) {
            auto const* const array = std::get_if<saved_array>(&saved);
            if (array == nullptr || array->dtype != value.dtype || array->shape != value.shape ||
                array->bytes.size() != value.bytes.size())
                refuse("has another dtype or shape of '" + path + "'");
            std::copy(array->bytes.begin(), array->bytes.end(), value.bytes.begin());
        } else {
            auto const* const same = std::get_if<Value>(&saved);
            if (same == nullptr) refuse("has another type of '" + path + "'");
            value = *same;
        }
    }
    [[noreturn]] static void refuse(std::string const& what) {
        throw std::runtime_error("the saved state " + what +
                                 ": resume with the algorithm, the models and the callbacks that it was saved with");
    }

    saved_state const& state_;
    std::set<std::string> read_;
};

}  // namespace proximal::run
