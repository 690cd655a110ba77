// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <proximal/io/mapped_file.hpp>
#include <proximal/io/stored_tensor.hpp>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace proximal::io {

/// The tensors of one .safetensors file, mapped, and checked whole before any of them is seen.
///
/// Layout: 8 bytes of header length n (little-endian), n bytes of JSON {name: {dtype, shape, data_offsets}}, the data.
/// Checked: the lengths, the JSON, every dtype, shape × element size = bytes without overflow, and that the tensors
/// cover the data exactly, with no hole and no overlap (a hole can hide data, an overlap can alias it).
/// Source: the safetensors format; the 100 MB limit on headers is its reference reader's.
/// Throws std::runtime_error naming the file, the tensor and what to do.
class safetensors {
   public:
    explicit safetensors(std::filesystem::path path) : path_(std::move(path)), file_(path_) {
        auto const bytes = file_.bytes();
        std::string_view const start(reinterpret_cast<char const*>(bytes.data()),
                                     std::min<std::size_t>(bytes.size(), 40));
        if (start.starts_with("version https://git-lfs"))
            fail("is a Git LFS pointer, not the weights themselves", "run `git lfs pull` in its folder");
        if (bytes.size() < 8) fail("is too short to be a safetensors file", again);
        std::uint64_t header = 0;
        for (std::size_t i = 0; i < 8; ++i) header |= std::to_integer<std::uint64_t>(bytes[i]) << (8 * i);
        if (header > header_limit)
            fail("announces a header of " + std::to_string(header) + " bytes", "it is no safetensors file");
        if (header > bytes.size() - 8) fail("ends inside its header", again);
        auto const* const text = reinterpret_cast<char const*>(bytes.data()) + 8;
        auto const json = nlohmann::json::parse(text, text + header, nullptr, /*allow_exceptions=*/false);
        if (!json.is_object()) fail("has a header that is not a JSON object", again);
        data_ = bytes.subspan(8 + header);
        for (auto const& [name, entry] : json.items()) {
            if (name == "__metadata__") metadata_ = entry;
            else tensors_.emplace(name, read(name, entry));
        }
        check_cover();
    }

    /// The file, for messages.
    std::filesystem::path const& path() const { return path_; }
    /// The header's `__metadata__`; null where it has none.
    nlohmann::json const& metadata() const { return metadata_; }
    /// Every tensor by its name; they point into the file.
    std::map<std::string, stored_tensor> const& tensors() const { return tensors_; }

    /// Throws std::runtime_error where the file has no such tensor.
    stored_tensor const& at(std::string const& name) const {
        auto const found = tensors_.find(name);
        if (found == tensors_.end()) fail("has no tensor " + name, "check that the file belongs to this model");
        return found->second;
    }

   private:
    static constexpr std::uint64_t header_limit = 100'000'000;
    static constexpr char const* again = "write or download it again";

    [[noreturn]] void fail(std::string const& what, std::string const& remedy) const {
        throw std::runtime_error(path_.string() + " " + what + "; " + remedy);
    }

    stored_tensor read(std::string const& name, nlohmann::json const& entry) const {
        auto const part = [&](char const* key) {
            auto const found = entry.is_object() ? entry.find(key) : entry.end();
            if (!entry.is_object() || found == entry.end())
                fail("gives no " + std::string(key) + " for " + name, again);
            return *found;
        };
        auto const numbers = [&](char const* key) {
            auto const list = part(key);
            bool const natural =
                list.is_array() && std::all_of(list.begin(), list.end(), [](auto const& x) {
                    return x.is_number_unsigned() && x.template get<std::uint64_t>() <= std::uint64_t(INT64_MAX);
                });
            if (!natural) fail("gives " + name + " a " + key + " that is no list of sizes", again);
            return list.get<std::vector<std::int64_t>>();
        };
        auto const dtype = part("dtype");
        auto const element = dtype.is_string() ? stored_bytes(dtype.get<std::string>()) : std::nullopt;
        if (!element)
            fail("stores " + name + " in the unknown dtype " + dtype.dump(), "convert it to a known one, say F32");
        auto const shape = numbers("shape"), offsets = numbers("data_offsets");
        if (offsets.size() != 2 || offsets[0] > offsets[1] || offsets[1] > std::int64_t(data_.size()))
            fail("places " + name + " outside of its data", "the file is truncated or damaged: " + std::string(again));
        std::int64_t size = *element;
        for (auto const extent : shape)
            if (__builtin_mul_overflow(size, extent, &size)) fail("gives " + name + " a shape that overflows", again);
        if (size != offsets[1] - offsets[0])
            fail("gives " + name + " " + std::to_string(offsets[1] - offsets[0]) +
                     " bytes where its shape and dtype need " + std::to_string(size),
                 again);
        return {dtype.get<std::string>(), shape, data_.subspan(std::size_t(offsets[0]), std::size_t(size))};
    }

    void check_cover() const {
        std::vector<std::tuple<std::byte const*, std::byte const*, std::string const*>> order;
        for (auto const& [name, tensor] : tensors_)
            order.emplace_back(tensor.bytes.data(), tensor.bytes.data() + tensor.bytes.size(), &name);
        std::sort(order.begin(), order.end());
        auto const* next = data_.data();
        for (auto const& [begin, end, name] : order) {
            if (begin < next) fail("has " + *name + " overlap the tensor before it", again);
            if (begin > next) fail("has unused bytes before " + *name, again);
            next = end;
        }
        if (next != data_.data() + data_.size()) fail("has unused bytes after its last tensor", again);
    }

    std::filesystem::path path_;
    mapped_file file_;
    std::span<std::byte const> data_;
    nlohmann::json metadata_;
    std::map<std::string, stored_tensor> tensors_;
};

}  // namespace proximal::io
