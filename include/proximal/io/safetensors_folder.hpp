// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <proximal/io/safetensors.hpp>
#include <stdexcept>
#include <string>

namespace proximal::io {

/// Refuses a folder that holds an adapter, where what a model has is missing: std::runtime_error with the remedy.
inline void refuse_adapter(std::filesystem::path const& folder) {
    if (std::filesystem::exists(folder / "adapter_config.json"))
        throw std::runtime_error(folder.string() +
                                 " is an adapter (LoRA), not a model: merge it into its model first, in Python "
                                 "model.merge_and_unload().save_pretrained(...)");
}

/// The weights of a Hugging Face folder: model.safetensors, or the shards named by model.safetensors.index.json.
///
/// Throws std::runtime_error where neither is there, where the index is no index, and where a shard or a tensor that it
/// names is missing.
class safetensors_folder {
   public:
    explicit safetensors_folder(std::filesystem::path const& folder) : path_(folder) {
        auto const whole = folder / "model.safetensors", index = folder / "model.safetensors.index.json";
        if (std::filesystem::exists(whole)) {
            for (auto const& [name, tensor] : open(whole).tensors()) tensors_.emplace(name, tensor);
            return;
        }
        if (!std::filesystem::exists(index)) refuse_adapter(folder);
        if (!std::filesystem::exists(index) && std::filesystem::exists(folder / "pytorch_model.bin"))
            throw std::runtime_error(folder.string() +
                                     " holds its weights as pytorch_model.bin alone: save them as safetensors, in "
                                     "Python AutoModelForCausalLM.from_pretrained(...).save_pretrained(...)");
        if (!std::filesystem::exists(index))
            throw std::runtime_error(folder.string() +
                                     " holds neither model.safetensors nor model.safetensors.index.json; "
                                     "give the folder of a model saved with safe serialization");
        std::ifstream stream(index, std::ios::binary);
        auto const json = nlohmann::json::parse(stream, nullptr, /*allow_exceptions=*/false);
        auto const map = json.is_object() && json.contains("weight_map") ? json["weight_map"] : nlohmann::json();
        if (!map.is_object())
            throw std::runtime_error(index.string() + " has no weight_map; write or download it again");
        for (auto const& [name, shard] : map.items()) {
            if (!shard.is_string())
                throw std::runtime_error(index.string() + " names no file for " + name +
                                         "; write or download it again");
            auto const file = folder / shard.get<std::string>();
            if (!shards_.contains(file.string()) && !std::filesystem::exists(file))
                throw std::runtime_error(file.string() + " is missing though " + index.string() + " names it for " +
                                         name + "; download the missing shard");
            tensors_.emplace(name, open(file).at(name));
        }
    }

    /// The folder, for messages.
    std::filesystem::path const& path() const { return path_; }
    /// Every tensor of every file by its name.
    std::map<std::string, stored_tensor> const& tensors() const { return tensors_; }

   private:
    safetensors const& open(std::filesystem::path const& file) {
        return shards_.try_emplace(file.string(), file).first->second;
    }

    std::filesystem::path path_;
    std::map<std::string, safetensors> shards_;
    std::map<std::string, stored_tensor> tensors_;
};

}  // namespace proximal::io
