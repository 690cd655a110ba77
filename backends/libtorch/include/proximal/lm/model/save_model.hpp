// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <proximal/io/atomic_file.hpp>
#include <proximal/io/write_safetensors.hpp>
#include <proximal/lm/model/causal_lm.hpp>
#include <proximal/lm/model/sequence_classifier.hpp>
#include <proximal/lm/model/stored_weights.hpp>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace proximal::lm {

/// The greatest .safetensors file that save_model writes before it begins another: Hugging Face's.
inline constexpr std::int64_t default_shard_bytes = 5'000'000'000;

/// Writes parameters as model.safetensors, or as shards with their index where they exceed shard_bytes; each file
/// appears whole, and those of an earlier save that are no longer part of the model are removed at the end.
/// Shards are put in their places together, once all are written, and the index last: those of two saves are never
/// read as one model.
inline void save_weights(std::vector<named_tensor> const& parameters, std::filesystem::path const& folder,
                         std::int64_t shard_bytes = default_shard_bytes) {
    std::filesystem::create_directories(folder);
    std::vector<std::vector<named_tensor>> shards(1);
    std::int64_t total = 0, filled = 0;
    for (auto const& parameter : parameters) {
        auto const size = static_cast<std::int64_t>(parameter.tensor.nbytes());
        if (filled > 0 && filled + size > shard_bytes) shards.emplace_back(), filled = 0;
        shards.back().push_back(parameter);
        total += size, filled += size;
    }
    auto const number = [](std::size_t n) {
        auto const digits = std::to_string(n);
        return std::string(5 - std::min<std::size_t>(5, digits.size()), '0') + digits;
    };
    nlohmann::json index{{"metadata", {{"total_size", total}}}, {"weight_map", nlohmann::json::object()}};
    std::set<std::string> written;
    std::vector<std::unique_ptr<io::safetensors_writer>> files;
    for (std::size_t i = 0; i < shards.size(); ++i) {
        auto const name = shards.size() == 1
                              ? "model.safetensors"
                              : "model-" + number(i + 1) + "-of-" + number(shards.size()) + ".safetensors";
        std::vector<io::tensor_header> headers;
        for (auto const& parameter : shards[i]) {
            headers.push_back(
                {parameter.name, stored_dtype(parameter.tensor.scalar_type()), parameter.tensor.sizes().vec()});
            index["weight_map"][parameter.name] = name;
        }
        files.push_back(std::make_unique<io::safetensors_writer>(folder / name, headers));
        for (auto const& parameter : shards[i]) {  // one at a time on the host
            at::Tensor const here = parameter.tensor.detach().cpu().contiguous();
            files.back()->write(to_stored(here).bytes);
        }
        written.insert(name);
    }
    for (auto const& file : files) file->finish();  // what follows takes no time
    if (shards.size() > 1) std::filesystem::remove(folder / "model.safetensors.index.json");  // of an earlier save
    for (auto const& file : files) file->commit();
    if (shards.size() > 1) {
        io::write_file(folder / "model.safetensors.index.json", index.dump(2) + "\n");
        written.insert("model.safetensors.index.json");
    }
    for (auto const& entry : std::filesystem::directory_iterator(folder)) {
        auto const name = entry.path().filename().string();
        bool const ours =
            name.starts_with("model") && (name.ends_with(".safetensors") || name.ends_with(".safetensors.index.json"));
        if (ours && !written.contains(name)) std::filesystem::remove(entry.path());
    }
}

/// How config.json calls a tensor's dtype.
inline char const* config_dtype(at::Tensor const& x) {
    switch (x.scalar_type()) {
        case at::kDouble:
            return "float64";
        case at::kBFloat16:
            return "bfloat16";
        case at::kHalf:
            return "float16";
        default:
            return "float32";
    }
}

namespace detail {
/// Writes weights, then the config.json that says how to read them: a folder without it is no model.
inline void save_as(std::string const& class_name, std::vector<named_tensor> const& parameters, nlohmann::json config,
                    std::filesystem::path const& folder, std::int64_t shard_bytes) {
    save_weights(parameters, folder, shard_bytes);
    config["architectures"] = {class_name};
    config["torch_dtype"] = config_dtype(parameters.back().tensor);
    io::write_file(folder / "config.json", config.dump(2) + "\n");
}
}  // namespace detail

/// Writes a folder that transformers, and load_causal_lm, load: config.json, generation_config.json, the weights.
/// Throws std::runtime_error where it cannot be written.
inline void save_model(causal_lm const& model, std::filesystem::path const& folder,
                       std::int64_t shard_bytes = default_shard_bytes) {
    nlohmann::json generation{{"_from_model_config", true}};
    for (auto const* field : {"bos_token_id", "eos_token_id", "pad_token_id"})
        if (model.config.contains(field) && !model.config[field].is_null()) generation[field] = model.config[field];
    detail::save_as(architecture_of(model.config).causal_lm_class, model.parameters(), model.config, folder,
                    shard_bytes);
    io::write_file(folder / "generation_config.json", generation.dump(2) + "\n");
}

/// The same for a reward model or critic, as a sequence classifier of one label.
inline void save_model(sequence_classifier const& model, std::filesystem::path const& folder,
                       std::int64_t shard_bytes = default_shard_bytes) {
    auto config = model.config;
    config["id2label"] = {{"0", "LABEL_0"}};  // how Hugging Face says num_labels = 1
    config["label2id"] = {{"LABEL_0", 0}};
    config.erase("num_labels");
    detail::save_as(architecture_of(model.config).classifier_class, model.parameters(), std::move(config), folder,
                    shard_bytes);
}

}  // namespace proximal::lm
