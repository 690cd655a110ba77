// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <proximal/io/json_file.hpp>
#include <proximal/io/safetensors.hpp>
#include <proximal/run/flag_value.hpp>
#include <proximal/run/state_archive.hpp>
#include <proximal/run/state_folder.hpp>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace proximal::run {

/// The folder into which one of several processes writes its part of a state: "optimizer-00001-of-00004" of rank 0.
inline std::string shard_name(std::string_view what, std::int64_t rank, std::int64_t world_size) {
    return fmt::format("{}-{:05}-of-{:05}", what, rank + 1, world_size);
}

/// The folders of that kind, in the processes' order. Throws std::runtime_error where some of them are missing.
inline std::vector<std::filesystem::path> shards_in(std::filesystem::path const& folder, std::string_view what) {
    std::error_code error;
    std::set<std::filesystem::path> found;
    for (auto const& entry : std::filesystem::directory_iterator(folder, error))
        if (auto const name = entry.path().filename().string();
            name.starts_with(std::string(what) + "-") && name.find("-of-") != std::string::npos)
            found.insert(entry.path());
    if (found.empty()) return {};
    auto const last = found.rbegin()->filename().string();
    std::int64_t count = 0;
    auto const digits = last.substr(last.find("-of-") + 4);
    std::from_chars(digits.data(), digits.data() + digits.size(), count);
    if (count != std::ssize(found))
        throw std::runtime_error(fmt::format("the checkpoint {} holds {} of {} parts of the {}'s state: one is missing",
                                             folder.string(), found.size(), count, what));
    return {found.begin(), found.end()};
}
/// Whether there are any.
inline bool has_shards(std::filesystem::path const& folder, std::string_view what) {
    return !shards_in(folder, what).empty();
}

/// Reads a state that several processes wrote a part of each, or one process all of, for any number of processes now.
///
/// An array of elements [a, b) of a whole is called "NAME[a:b]/REST", and one of all of them "NAME/REST"; what is asked
/// for is put together from the pieces that cover it. Other values are those beside any piece of the same whole.
/// Throws std::runtime_error, naming the value, where pieces are missing or of another dtype.
class sharded_state final : public state_archive {
   public:
    /// The state below `what` in a checkpoint's own state files and in its shards.
    sharded_state(std::filesystem::path folder, std::string_view what) : folder_(std::move(folder)) {
        auto folders = shards_in(folder_, what);
        if (folders.empty()) folders.push_back(folder_);
        for (auto const& part : folders) {
            files_.push_back(std::make_unique<io::safetensors>(part / "state.safetensors"));
            for (auto const& [path, array] : files_.back()->tensors()) {
                auto const [name, piece, rest] = parsed(path);
                arrays_[{name, rest}].push_back({piece, &array});
            }
            auto const values = io::read_json(part / "state.json");
            for (auto const& [type, of_type] : values.items())
                for (auto const& [path, value] : of_type.items()) {
                    auto const [name, piece, rest] = parsed(path);
                    values_.try_emplace({type, name, rest}, value);
                }
        }
    }
    bool is_reading() const override { return true; }

   protected:
    void visit(std::string const& path, reference value) override {
        std::visit([&](auto* x) { read(path, *x); }, value);
    }

   private:
    using range = std::pair<std::int64_t, std::int64_t>;
    struct part {
        std::optional<range> elements;  // none: all of them
        io::stored_tensor const* array;
    };
    struct parsed_path {
        std::string name;
        std::optional<range> piece;
        std::string rest;
    };
    /// "optimizer/policy.weight[128:512]/steps" into its name, its elements and what follows.
    static parsed_path parsed(std::string const& path) {
        auto const end = path.rfind('/'), close = end == std::string::npos ? end : end - 1;
        if (close == std::string::npos || path[close] != ']')
            return end == std::string::npos ? parsed_path{path, {}, {}}
                                            : parsed_path{path.substr(0, end), {}, path.substr(end + 1)};
        auto const open = path.rfind('[', close), colon = path.find(':', open);
        range piece{};
        std::from_chars(path.data() + open + 1, path.data() + colon, piece.first);
        std::from_chars(path.data() + colon + 1, path.data() + close, piece.second);
        return {path.substr(0, open), piece, path.substr(end + 1)};
    }

    void read(std::string const& path, state_array& into) const {
        auto const [name, wanted, rest] = parsed(path);
        auto const found = arrays_.find({name, rest});
        if (found == arrays_.end()) refuse("holds no '" + path + "'");
        std::int64_t count = 1;
        for (auto const size : into.shape) count *= size;
        auto const width = into.bytes.size() / static_cast<std::size_t>(std::max<std::int64_t>(1, count));
        if (into.shape.empty()) {  // one number, the same beside every piece
            auto const& any = *found->second.front().array;
            if (any.dtype != into.dtype || any.bytes.size() != into.bytes.size()) differs(path);
            std::copy(any.bytes.begin(), any.bytes.end(), into.bytes.begin());
            return;
        }
        auto const [first, last] = wanted.value_or(range{0, count});
        std::int64_t covered = 0;
        for (auto const& [elements, array] : found->second) {
            if (array->dtype != into.dtype) differs(path);
            auto const held = static_cast<std::int64_t>(array->bytes.size() / width);
            auto const [begin, end] = elements.value_or(range{0, held});
            auto const from = std::max(first, begin), to = std::min(last, end);
            if (from >= to) continue;
            std::memcpy(into.bytes.data() + static_cast<std::size_t>(from - first) * width,
                        array->bytes.data() + static_cast<std::size_t>(from - begin) * width,
                        static_cast<std::size_t>(to - from) * width);
            covered += to - from;
        }
        if (covered != last - first) differs(path);
    }
    template <class Value>
    void read(std::string const& path, Value& into) const {
        auto const [name, piece, rest] = parsed(path);
        auto const found = values_.find({detail::state_type<Value>(), name, rest});
        if (found == values_.end()) refuse("holds no '" + path + "'");
        try {
            if constexpr (std::is_same_v<Value, double>)
                read_flag(into, path, found->second.template get<std::string>());
            else into = found->second.template get<Value>();
        } catch (std::exception const&) {
            refuse("has a damaged '" + path + "'");
        }
    }
    [[noreturn]] void differs(std::string const& path) const { refuse("has another dtype or shape of '" + path + "'"); }
    [[noreturn]] void refuse(std::string const& what) const {
        throw std::runtime_error("the checkpoint " + folder_.string() + " " + what +
                                 ": resume with the models and the optimizer that it was saved with");
    }

    std::filesystem::path folder_;
    std::vector<std::unique_ptr<io::safetensors>> files_;
    std::map<std::pair<std::string, std::string>, std::vector<part>> arrays_;
    std::map<std::tuple<std::string, std::string, std::string>, nlohmann::json> values_;
};

}  // namespace proximal::run
