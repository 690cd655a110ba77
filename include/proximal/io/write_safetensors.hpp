// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <proximal/io/atomic_file.hpp>
#include <proximal/io/stored_tensor.hpp>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace proximal::io {

/// What a .safetensors file's header says of a tensor.
struct tensor_header {
    std::string name, dtype;
    std::vector<std::int64_t> shape;
};

/// A .safetensors file written tensor by tensor, whole or not at all: what they hold need not be in memory together.
///
/// The header is written first, from names, dtypes and shapes; then write() is called once for each, in that order, and
/// commit(). Data are aligned to 8 bytes. Throws std::invalid_argument for an unknown dtype, a name given twice, or
/// bytes that do not fit; std::runtime_error where the file cannot be written.
class safetensors_writer {
   public:
    safetensors_writer(std::filesystem::path const& path, std::vector<tensor_header> const& tensors,
                       nlohmann::json metadata = nlohmann::json::object())
        : file_(path) {
        metadata["format"] = "pt";
        nlohmann::json header{{"__metadata__", metadata}};
        std::int64_t offset = 0;
        for (auto const& [name, dtype, shape] : tensors) {
            auto const element = stored_bytes(dtype);
            if (!element)
                throw std::invalid_argument("proximal: " + name + " is of the dtype " + dtype +
                                            ", which safetensors has not; convert it first");
            std::int64_t size = *element;
            for (auto const extent : shape) size *= extent;
            if (header.contains(name))
                throw std::invalid_argument("proximal: the tensor " + name + " is given twice; name each once");
            header[name] = {{"dtype", dtype}, {"shape", shape}, {"data_offsets", {offset, offset + size}}};
            offset += size;
            expected_.push_back({name, dtype, size});
        }
        auto text = header.dump();
        text.append((8 - text.size() % 8) % 8, ' ');
        std::string length(8, '\0');
        for (std::size_t i = 0; i < 8; ++i) length[i] = static_cast<char>(text.size() >> (8 * i) & 0xff);
        file_.stream() << length << text;
    }

    /// The numbers of the next tensor, contiguous.
    void write(std::span<std::byte const> bytes) {
        if (written_ == expected_.size())
            throw std::invalid_argument("proximal: a safetensors file is given more tensors than its header names");
        auto const& next = expected_[written_];
        if (next.size != static_cast<std::int64_t>(bytes.size()))
            throw std::invalid_argument("proximal: " + next.name + " has " + std::to_string(bytes.size()) +
                                        " bytes, which is not " + next.dtype +
                                        " in its shape; give it contiguous and in a dtype of safetensors");
        ++written_;
        file_.stream().write(reinterpret_cast<char const*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    }
    /// Brings the file to the disk beside its place, and puts it there: see atomic_file.
    void finish() { file_.finish(); }
    void commit() { file_.commit(); }

   private:
    struct expected {
        std::string name, dtype;
        std::int64_t size;
    };
    atomic_file file_;
    std::vector<expected> expected_{};
    std::size_t written_ = 0;
};

/// Writes tensors as one .safetensors file, whole or not at all, in the order given, data aligned to 8 bytes.
///
/// Reading it back gives every bit again. The header carries {"format": "pt"}, without which Hugging Face refuses it.
/// Throws as safetensors_writer does.
inline void write_safetensors(std::filesystem::path const& path,
                              std::vector<std::pair<std::string, stored_tensor>> const& tensors,
                              nlohmann::json metadata = nlohmann::json::object()) {
    std::vector<tensor_header> headers;
    headers.reserve(tensors.size());
    for (auto const& [name, tensor] : tensors) headers.push_back({name, tensor.dtype, tensor.shape});
    safetensors_writer writer(path, headers, std::move(metadata));
    for (auto const& [name, tensor] : tensors) writer.write(tensor.bytes);
    writer.commit();
}

}  // namespace proximal::io
