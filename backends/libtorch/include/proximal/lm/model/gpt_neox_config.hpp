// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>

namespace proximal::lm {

/// What a GPT-NeoX config.json says, with transformers 4.45's defaults for what it leaves out; the sizes must be there.
///
/// Dropout fields are accepted and off: TRL disables dropout.
/// Throws std::invalid_argument, naming the field, for what is missing, of the wrong type, contradictory or not
/// supported.
struct gpt_neox_config {
    std::int64_t vocab_size, hidden_size, num_hidden_layers, num_attention_heads, intermediate_size,
        max_position_embeddings;
    std::string hidden_act;
    double rotary_pct, rotary_emb_base, layer_norm_eps;
    bool use_parallel_residual, attention_bias;

    explicit gpt_neox_config(nlohmann::json const& config)
        : vocab_size(size(config, "vocab_size")),
          hidden_size(size(config, "hidden_size")),
          num_hidden_layers(size(config, "num_hidden_layers")),
          num_attention_heads(size(config, "num_attention_heads")),
          intermediate_size(size(config, "intermediate_size")),
          max_position_embeddings(size(config, "max_position_embeddings")),
          hidden_act(get<std::string>(config, "hidden_act", "gelu")),
          rotary_pct(get<double>(rope(config), "partial_rotary_factor", get<double>(config, "rotary_pct", 0.25))),
          rotary_emb_base(
              get<double>(rope(config), "rope_theta",
                          get<double>(config, "rotary_emb_base", get<double>(config, "rope_theta", 10000.0)))),
          layer_norm_eps(get<double>(config, "layer_norm_eps", 1e-5)),
          use_parallel_residual(get<bool>(config, "use_parallel_residual", true)),
          attention_bias(get<bool>(config, "attention_bias", true)) {
        for (auto const* field : {"rope_scaling", "quantization_config"})
            if (config.contains(field) && !config[field].is_null())
                refuse(field, config[field].dump() + " is not supported; use a model whose config leaves it null");
        if (auto const type = get<std::string>(rope(config), "rope_type", "default"); type != "default")
            refuse("rope_parameters",
                   "ask for the rope_type " + type + ", which is not supported; use the default one");
        if (hidden_size % num_attention_heads != 0) refuse("hidden_size", "must be a multiple of num_attention_heads");
        if (rotary_dimensions() % 2 != 0 || rotary_dimensions() > head_size())
            refuse("rotary_pct",
                   "must give an even number of rotary dimensions, at most a head's " + std::to_string(head_size()));
    }

    /// D, the width of one attention head.
    std::int64_t head_size() const { return hidden_size / num_attention_heads; }
    /// R, how many of a head's dimensions are rotated.
    std::int64_t rotary_dimensions() const {
        return static_cast<std::int64_t>(static_cast<double>(head_size()) * rotary_pct);
    }

   private:
    [[noreturn]] static void refuse(std::string const& field, std::string const& why) {
        throw std::invalid_argument("proximal: the config's " + field + " " + why);
    }
    /// transformers 5 keeps the rotary fields in an object of their own.
    static nlohmann::json rope(nlohmann::json const& config) {
        auto const found = config.find("rope_parameters");
        return found != config.end() && found->is_object() ? *found : nlohmann::json::object();
    }
    template <class T>
    static T get(nlohmann::json const& config, char const* field, T missing) {
        auto const found = config.find(field);
        if (found == config.end() || found->is_null()) return missing;
        bool const fits = std::is_same_v<T, bool>          ? found->is_boolean()
                          : std::is_same_v<T, std::string> ? found->is_string()
                                                           : found->is_number();
        if (!fits) refuse(field, "is " + found->dump() + ", which is of the wrong type; correct config.json");
        return found->get<T>();
    }
    static std::int64_t size(nlohmann::json const& config, char const* field) {
        auto const value = get<std::int64_t>(config, field, 0);
        if (value <= 0) refuse(field, "must be there and positive; correct config.json");
        return value;
    }
};

}  // namespace proximal::lm
