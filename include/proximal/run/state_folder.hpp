// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <proximal/io/atomic_file.hpp>
#include <proximal/io/json_file.hpp>
#include <proximal/io/safetensors.hpp>
#include <proximal/io/write_safetensors.hpp>
#include <proximal/run/flag_value.hpp>
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

namespace detail {
/// How a state's JSON calls a type: a value is read back as the very type that it was written as.
template <class Value>
constexpr char const* state_type() {
    if constexpr (std::is_same_v<Value, bool>) return "bool";
    else if constexpr (std::is_same_v<Value, std::int64_t>) return "int64";
    else if constexpr (std::is_same_v<Value, std::uint64_t>) return "uint64";
    else if constexpr (std::is_same_v<Value, double>) return "double";
    else if constexpr (std::is_same_v<Value, std::string>) return "text";
    else return "list";
}

/// Notes what visits it: values as JSON, arrays as headers. JSON has no NaN and no infinity: a double is its shortest
/// text that gives every bit again.
class state_outline final : public state_archive {
   public:
    bool is_reading() const override { return false; }
    nlohmann::json values = nlohmann::json::object();
    std::vector<io::tensor_header> arrays{};

   protected:
    void visit(std::string const& path, reference value) override {
        if (!names_.insert(path).second)
            throw std::logic_error("two values of a run's state are called '" + path + "': rename one");
        std::visit(
            [&](auto* x) {
                using Value = std::remove_pointer_t<decltype(x)>;
                if constexpr (std::is_same_v<Value, state_array>) arrays.push_back({path, x->dtype, x->shape});
                else if constexpr (std::is_same_v<Value, double>)
                    values[state_type<Value>()][path] = fmt::format("{}", *x);
                else values[state_type<Value>()][path] = *x;
            },
            value);
    }

   private:
    std::set<std::string> names_;
};

/// Writes the arrays that visit it, one after another.
class array_writer final : public state_archive {
   public:
    explicit array_writer(io::safetensors_writer& file) : file_(file) {}
    bool is_reading() const override { return false; }

   protected:
    void visit(std::string const&, reference value) override {
        if (auto* const* const array = std::get_if<state_array*>(&value)) file_.write((*array)->bytes);
    }

   private:
    io::safetensors_writer& file_;
};
}  // namespace detail

/// Writes the state of a run into a folder: numbers and text into state.json, arrays into state.safetensors, one array
/// at a time. `visit` is called twice with an archive: state_archive says what it does with it.
/// Throws std::runtime_error, naming the file, where one cannot be written.
template <class Visit>
void write_state(std::filesystem::path const& folder, Visit const& visit) {
    detail::state_outline outline;
    visit(static_cast<state_archive&>(outline));
    io::safetensors_writer file(folder / "state.safetensors", outline.arrays);
    detail::array_writer arrays(file);
    visit(static_cast<state_archive&>(arrays));
    file.commit();
    io::write_file(folder / "state.json", outline.values.dump() + "\n");
}

/// Reads a state back from a folder that write_state wrote; finish() then says whether all of it was asked for.
/// Throws std::runtime_error, naming the folder and the value, for files that are damaged or another kind of run's.
class state_folder final : public state_archive {
   public:
    explicit state_folder(std::filesystem::path const& folder)
        : folder_(folder), values_(io::read_json(folder / "state.json")), arrays_(folder / "state.safetensors") {
        if (!values_.is_object()) refuse("has a damaged state.json");
    }
    bool is_reading() const override { return true; }
    bool holds(std::string_view scope) const override {
        auto const inside = [prefix = std::string(scope) + "/"](std::string_view path) {
            return path.starts_with(prefix);
        };
        for (auto const& [type, values] : values_.items())
            for (auto const& [path, value] : values.items())
                if (inside(path)) return true;
        auto const& arrays = arrays_.tensors();
        return std::any_of(arrays.begin(), arrays.end(), [&](auto const& array) { return inside(array.first); });
    }

    /// Lets finish() pass over what is read in another way: all whose path begins so.
    void pass_over(std::string prefix) { passed_over_ = std::move(prefix); }

    /// Throws std::runtime_error where the state holds a value that nothing asked for.
    void finish() const {
        for (auto const& [type, values] : values_.items())
            for (auto const& [path, value] : values.items()) check_read(path);
        for (auto const& [path, array] : arrays_.tensors()) check_read(path);
    }

   protected:
    void visit(std::string const& path, reference value) override {
        read_.insert(path);
        std::visit([&](auto* x) { read(path, *x); }, value);
    }

   private:
    void read(std::string const& path, state_array& into) const {
        auto const found = arrays_.tensors().find(path);
        if (found == arrays_.tensors().end()) refuse("holds no '" + path + "'");
        auto const& from = found->second;
        if (from.dtype != into.dtype || from.shape != into.shape || from.bytes.size() != into.bytes.size())
            refuse("has another dtype or shape of '" + path + "'");
        std::copy(from.bytes.begin(), from.bytes.end(), into.bytes.begin());
    }
    template <class Value>
    void read(std::string const& path, Value& into) const {
        auto const of_type = values_.find(detail::state_type<Value>());
        auto const none = [&] { return of_type == values_.end() || !of_type->is_object() || !of_type->contains(path); };
        if (none()) refuse("holds no '" + path + "'");
        try {
            auto const& value = (*of_type)[path];
            if constexpr (std::is_same_v<Value, double>) read_flag(into, path, value.template get<std::string>());
            else into = value.template get<Value>();
        } catch (std::exception const&) {
            refuse("has a damaged '" + path + "'");
        }
    }
    /// A listener that this run does not have is let be.
    void check_read(std::string const& path) const {
        bool const is_passed_over = !passed_over_.empty() && path.starts_with(passed_over_);
        if (!read_.contains(path) && !path.starts_with("callback/") && !is_passed_over)
            refuse("holds '" + path + "', which this run does not have");
    }
    [[noreturn]] void refuse(std::string const& what) const {
        throw std::runtime_error("the checkpoint " + folder_.string() + " " + what +
                                 ": resume with the algorithm, the models and the listeners that it was saved with");
    }

    std::filesystem::path folder_;
    nlohmann::json values_;
    io::safetensors arrays_;
    std::set<std::string> read_;
    std::string passed_over_;
};

}  // namespace proximal::run
