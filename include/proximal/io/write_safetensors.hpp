// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <proximal/io/atomic_file.hpp>
#include <proximal/io/stored_tensor.hpp>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace proximal::io {

/// Writes tensors as one .safetensors file, whole or not at all, in the order given, data aligned to 8 bytes.
///
/// Reading it back gives every bit again. The header carries {"format": "pt"}, without which Hugging Face refuses it.
/// Throws std::invalid_argument for a tensor whose bytes do not fit its shape and dtype, or a name given twice;
/// std::runtime_error where the file cannot be written.
inline void write_safetensors(std::filesystem::path const& path,
                              std::vector<std::pair<std::string, stored_tensor>> const& tensors,
                              nlohmann::json metadata = nlohmann::json::object()) {
    metadata["format"] = "pt";
    nlohmann::json header{{"__metadata__", metadata}};
    std::int64_t offset = 0;
    for (auto const& [name, tensor] : tensors) {
        auto const element = stored_bytes(tensor.dtype);
        std::int64_t size = element.value_or(0);
        for (auto const extent : tensor.shape) size *= extent;
        if (!element || size != std::int64_t(tensor.bytes.size()))
            throw std::invalid_argument("proximal: " + name + " has " + std::to_string(tensor.bytes.size()) +
                                        " bytes, which is not " + tensor.dtype +
                                        " in its shape; give it contiguous and in a dtype of safetensors");
        if (header.contains(name))
            throw std::invalid_argument("proximal: the tensor " + name + " is given twice; name each once");
        header[name] = {{"dtype", tensor.dtype}, {"shape", tensor.shape}, {"data_offsets", {offset, offset + size}}};
        offset += size;
    }
    auto text = header.dump();
    text.append((8 - text.size() % 8) % 8, ' ');
    std::string length(8, '\0');
    for (std::size_t i = 0; i < 8; ++i) length[i] = static_cast<char>(text.size() >> (8 * i) & 0xff);

    atomic_file file(path);
    file.stream() << length << text;
    for (auto const& [name, tensor] : tensors)
        file.stream().write(reinterpret_cast<char const*>(tensor.bytes.data()),
                            static_cast<std::streamsize>(tensor.bytes.size()));
    file.commit();
}

}  // namespace proximal::io
