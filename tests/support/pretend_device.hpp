// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <ATen/EmptyTensor.h>
#include <ATen/autocast_mode.h>
#include <ATen/core/enum_tag.h>
#include <ATen/detail/PrivateUse1HooksInterface.h>
#include <ATen/native/CPUFallback.h>
#include <ATen/ops/_reshape_alias_native.h>
#include <ATen/ops/as_strided_native.h>
#include <ATen/ops/view_native.h>
#include <c10/core/Allocator.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>
#include <sys/mman.h>
#include <torch/library.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <iterator>
#include <map>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <proximal/libtorch/step_graph.hpp>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

/// A second device without an accelerator: what a test on it finds, an accelerator would find too.
///
/// It is LibTorch's PrivateUse1 and behaves as CUDA does where that matters to a caller:
///
/// - Its addresses are of pages that nobody may touch: whoever takes data_ptr() for the host's memory dies by SIGSEGV.
///   What a tensor holds lies elsewhere, and only operations find it.
/// - Operations run on the CPU, through LibTorch's own fallback. One that is given a tensor of the host beside one of
///   the device throws, except for a scalar in an elementwise operation.
/// - It counts operations, and how often the host had to wait: see activity.
/// - What a non_blocking copy brings to the host is there after the next wait and not before (all bits are set until
///   then), and a tensor of the host that is changed before the wait after such a copy from it throws there. Between
///   waits all else is ordered by the device's one stream: these copies are what a missing wait can spoil.
/// - A step's operations can be recorded and repeated, as by a CUDA graph: see recorded_graph.
///
/// Only one source of a program may include this, since operations are registered here. The device itself comes into
/// being with the first call of device(); from then on LibTorch takes it for the program's accelerator, CUDA or not.
namespace support::pretend {

/// What happened on the device since the program began.
struct activity {
    std::atomic<std::int64_t> operations{0};
    std::atomic<std::int64_t> reads{0};   // waits: a number or tensor was read by the host, or decided about a shape
    std::atomic<std::int64_t> writes{0};  // waits: a tensor was copied from the host, and not by a non_blocking copy
    std::atomic<std::int64_t> bytes{0};   // in use now
    std::atomic<std::int64_t> allocations{0};

    std::int64_t waits() const { return reads + writes; }
};
inline activity happened;

/// True while a recorded step is repeated, which on a GPU uses the memory that it was recorded with.
inline bool repeating = false;

struct block;
/// Where blocks lie, by their first address.
struct block_list {
    std::mutex mutex{};
    std::map<std::uintptr_t, block*> blocks{};
};
inline block_list& all_blocks() {
    static block_list list;
    return list;
}

/// Memory of the device: forbidden addresses, and what the operations find there.
struct block {
    void* address;
    std::size_t size;
    std::unique_ptr<std::byte[]> content;

    explicit block(std::size_t bytes)
        : address(::mmap(nullptr, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)),
          size(bytes),
          content(std::make_unique_for_overwrite<std::byte[]>(bytes)) {
        if (address == MAP_FAILED) throw std::bad_alloc();
        happened.bytes += static_cast<std::int64_t>(size);
        happened.allocations += !repeating;
        std::scoped_lock const lock(all_blocks().mutex);
        all_blocks().blocks[reinterpret_cast<std::uintptr_t>(address)] = this;
    }
    block(block const&) = delete;
    block& operator=(block const&) = delete;
    ~block() {
        {
            std::scoped_lock const lock(all_blocks().mutex);
            all_blocks().blocks.erase(reinterpret_cast<std::uintptr_t>(address));
        }
        ::munmap(address, size);
        happened.bytes -= static_cast<std::int64_t>(size);
    }
};

/// What lies at an address of the device, for who stands for its kernels. Throws where it is none.
inline void* content_at(void* address) {
    if (address == nullptr) return nullptr;  // of a tensor without numbers
    auto const at = reinterpret_cast<std::uintptr_t>(address);
    std::scoped_lock const lock(all_blocks().mutex);
    auto const after = all_blocks().blocks.upper_bound(at);
    if (after != all_blocks().blocks.begin())
        if (auto const& [first, held] = *std::prev(after); at < first + held->size)
            return held->content.get() + (at - first);
    throw std::runtime_error("pretend device: a kernel was given an address that is not of its memory");
}

/// A step's operations, to be repeated, and the memory that they were given while they were recorded.
struct recording {
    std::vector<std::function<void()>> operations{};
    std::vector<std::unique_ptr<block>> blocks{};
};
inline recording* under_way = nullptr;

/// Where LibTorch asks for the device's memory.
struct allocator final : c10::Allocator {
    c10::DataPtr allocate(std::size_t bytes) override {
        c10::Device const here(c10::kPrivateUse1, 0);
        if (bytes == 0) return {nullptr, here};
        auto* const made = new block(bytes);
        if (under_way) {
            under_way->blocks.emplace_back(made);
            return {made->address, made, [](void*) {}, here};
        }
        return {made->address, made, [](void* context) { delete static_cast<block*>(context); }, here};
    }
    void copy_data(void*, void const*, std::size_t) const override {
        TORCH_CHECK(false, "pretend device: an address alone does not say what it holds");
    }
};
inline allocator memory;

/// What a tensor of the device holds, as a tensor of the host; one of the host as it is.
inline at::Tensor content_of(at::Tensor const& x) {
    if (x.is_cpu()) return x;
    auto const options = x.options().device(at::kCPU).requires_grad(false);
    auto* const held = static_cast<block*>(x.storage().data_ptr().get_context());
    if (held == nullptr) return at::empty_strided(x.sizes(), x.strides(), options);
    auto const offset = static_cast<std::size_t>(x.storage_offset()) * x.element_size();
    return at::from_blob(held->content.get() + offset, x.sizes(), x.strides(), options);
}

/// A copy between host and device that nobody has waited for.
struct copy_under_way {
    at::Tensor host, content;  // what the host's tensor held when it was copied from, or will hold
    bool to_host = false;
};
inline std::vector<copy_under_way> copies;

/// What every wait does: copies are done then. Throws where the host has changed what was being copied.
inline void wait() {
    TORCH_CHECK(!under_way, "pretend device: the host waits while a step is recorded");
    for (auto const& copy : std::exchange(copies, {}))
        if (copy.to_host) copy.host.copy_(copy.content);
        else
            TORCH_CHECK(std::memcmp(copy.host.contiguous().const_data_ptr(), copy.content.const_data_ptr(),
                                    copy.content.nbytes()) == 0,
                        "pretend device: the host changed a tensor ", copy.host.sizes(),
                        " while it was being copied to the device: wait, or upload a copy");
}
/// Notes a read or a blocking copy.
inline void count_wait(std::atomic<std::int64_t>& kind) {
    ++kind;
    wait();
}

/// Who is told of each operation: its name and arguments.
inline std::function<void(c10::OperatorHandle const&, torch::jit::Stack const&)> observer;

/// True on a thread while an operation runs: what it copies to and from the host is its own affair, not a wait.
inline thread_local bool operating = false;
/// Counts an operation and marks its duration.
struct operation {
    bool const outer = std::exchange(operating, true);

    operation() { happened.operations += !outer; }
    operation(operation const&) = delete;
    operation& operator=(operation const&) = delete;
    ~operation() { operating = outer; }
};

inline at::Tensor empty(at::IntArrayRef size, std::optional<at::ScalarType> dtype, std::optional<at::Layout>,
                        std::optional<at::Device>, std::optional<bool>, std::optional<at::MemoryFormat> format) {
    constexpr c10::DispatchKeySet keys(c10::DispatchKey::PrivateUse1);
    return at::detail::empty_generic(size, &memory, keys, c10::dtype_or_default(dtype), format);
}
inline at::Tensor empty_strided(at::IntArrayRef size, at::IntArrayRef stride, std::optional<at::ScalarType> dtype,
                                std::optional<at::Layout>, std::optional<at::Device>, std::optional<bool>) {
    constexpr c10::DispatchKeySet keys(c10::DispatchKey::PrivateUse1);
    return at::detail::empty_strided_generic(size, stride, &memory, keys, c10::dtype_or_default(dtype));
}
inline at::Tensor const& resize_(at::Tensor const& x, at::IntArrayRef size, std::optional<at::MemoryFormat>) {
    auto const needed = at::detail::computeStorageNbytesContiguous(size, x.element_size(), x.storage_offset());
    if (needed > x.storage().nbytes()) {
        auto fresh = memory.allocate(needed);
        if (auto const* const old = static_cast<block*>(x.storage().data_ptr().get_context()))
            std::memcpy(static_cast<block*>(fresh.get_context())->content.get(), old->content.get(), old->size);
        x.storage().set_data_ptr_noswap(std::move(fresh));
        x.storage().set_nbytes(needed);
    }
    x.unsafeGetTensorImpl()->set_sizes_contiguous(size);
    return x;
}

inline at::Tensor copy_from(at::Tensor const& from, at::Tensor const& to, bool non_blocking) {
    bool const leaves = to.is_cpu() && !from.is_cpu(), enters = from.is_cpu() && !to.is_cpu();
    if (!operating && (leaves || enters)) {
        TORCH_CHECK(!under_way, "pretend device: a copy between host and device while a step is recorded");
        if (!non_blocking) count_wait(leaves ? happened.reads : happened.writes);
        else if (enters) copies.push_back({from, from.clone(at::MemoryFormat::Contiguous), false});
    }
    if (!operating && leaves && non_blocking) {
        operation const here;
        copies.push_back({to, content_of(from).clone(), true});
        std::memset(to.mutable_data_ptr(), 0xff, to.nbytes());
        return to;
    }
    if (!operating && under_way)
        under_way->operations.emplace_back([from, to] { content_of(to).copy_(content_of(from)); });
    operation const here;
    content_of(to).copy_(content_of(from));
    return to;
}
inline at::Tensor copy_from_and_resize(at::Tensor const& from, at::Tensor const& to) {
    if (!to.sizes().equals(from.sizes())) to.resize_(from.sizes());
    return copy_from(from, to, false);
}
inline at::Scalar local_scalar(at::Tensor const& x) {
    if (!operating) count_wait(happened.reads);
    operation const here;
    return content_of(x).item();
}

inline at::Tensor view(at::Tensor const& x, at::IntArrayRef size) { return at::native::view(x, size); }
inline at::Tensor as_strided(at::Tensor const& x, at::IntArrayRef size, at::IntArrayRef stride,
                             std::optional<std::int64_t> offset) {
    return at::native::as_strided_tensorimpl(x, size, stride, offset);
}
inline at::Tensor reshape_alias(at::Tensor const& x, at::IntArrayRef size, at::IntArrayRef stride) {
    return at::native::_reshape_alias(x, size, stride);
}

/// The tensors among an operation's arguments, in lists and optional lists too.
template <class Use>
void for_each_tensor(c10::IValue const& argument, Use const& use) {
    if (argument.isTensor() && argument.toTensor().defined()) use(argument.toTensor());
    if (argument.isList())
        for (c10::IValue const& one : argument.toListRef()) for_each_tensor(one, use);
}

template <class List>
std::vector<at::Tensor> tensors_among(List const& arguments) {
    std::vector<at::Tensor> all;
    for (auto const& argument : arguments) for_each_tensor(argument, [&](at::Tensor const& x) { all.push_back(x); });
    return all;
}

/// Every other operation: on the CPU, once its arguments are such as CUDA takes.
inline void fall_back(c10::OperatorHandle const& op, torch::jit::Stack* stack) {
    auto const& name = op.schema().name();
    bool const takes_scalars = op.hasTag(at::Tag::pointwise);
    bool host_scalar = false;
    for (auto const& argument : torch::jit::last(*stack, op.schema().arguments().size()))
        for_each_tensor(argument, [&](at::Tensor const& x) {
            TORCH_CHECK(!x.is_cpu() || (x.dim() == 0 && takes_scalars),
                        "Expected all tensors to be on the same device: ", name, " got one of the host, ", x.sizes());
            host_scalar = host_scalar || x.is_cpu();
        });
    if (operating) return at::native::cpu_fallback(op, stack);
    if (name == "aten::nonzero") count_wait(happened.reads);                // its shape depends on the numbers
    if (name == "aten::where" && host_scalar) count_wait(happened.writes);  // LibTorch copies it there first, and waits
    if (observer) observer(op, *stack);
    operation const here;
    if (!under_way) return at::native::cpu_fallback(op, stack);
    auto const given = torch::jit::last(*stack, op.schema().arguments().size()).vec();
    at::native::cpu_fallback(op, stack);
    auto const made = tensors_among(torch::jit::last(*stack, op.schema().returns().size()));
    under_way->operations.emplace_back([op, given, made] {
        torch::jit::Stack again = given;
        at::native::cpu_fallback(op, &again);
        auto const now = tensors_among(again);
        for (std::size_t i = 0; i < made.size(); ++i)
            if (!now[i].is_alias_of(made[i])) content_of(made[i]).copy_(content_of(now[i]));
    });
}

/// Records a step on the device: what CUDA graphs do with addresses, numbers and memory, and what they refuse.
class recorded_graph final : public proximal::libtorch::step_graph {
   public:
    void record(std::function<void()> const& step) override {
        step();
        std::map<block*, std::vector<std::byte>> before;  // recording is not doing
        for (auto const& [address, held] : all_blocks().blocks)
            before[held].assign(held->content.get(), held->content.get() + held->size);
        under_way = &recorded_;
        try {
            step();
        } catch (...) {
            under_way = nullptr;
            throw;
        }
        under_way = nullptr;
        for (auto const& [held, content] : before)
            if (content.size() == held->size) std::memcpy(held->content.get(), content.data(), held->size);
    }
    void replay() override {
        operation const here;
        repeating = true;
        for (auto const& repeat : recorded_.operations) repeat();
        repeating = false;
    }
    std::size_t size() const { return recorded_.operations.size(); }

   private:
    recording recorded_;
};

/// There is one, and it has one stream.
struct guard final : c10::impl::DeviceGuardImplInterface {
    guard() = default;
    explicit guard(c10::DeviceType) {}
    c10::DeviceType type() const override { return c10::kPrivateUse1; }
    c10::Device getDevice() const override { return {c10::kPrivateUse1, 0}; }
    c10::Device exchangeDevice(c10::Device) const override { return getDevice(); }
    void setDevice(c10::Device) const override {}
    void uncheckedSetDevice(c10::Device) const noexcept override {}
    c10::Stream getStream(c10::Device where) const override { return c10::Stream(c10::Stream::DEFAULT, where); }
    c10::Stream exchangeStream(c10::Stream stream) const override { return stream; }
    c10::DeviceIndex deviceCount() const noexcept override { return 1; }
};
// LibTorch's macros would register once for each source file that includes this.
inline c10::impl::DeviceGuardImplRegistrar const registers_guard(c10::kPrivateUse1, new guard);

inline void add_fallback(torch::Library& all) { all.fallback(torch::CppFunction::makeFromBoxedFunction<&fall_back>()); }
inline void add_own(torch::Library& own) {
    own.impl("empty.memory_format", &empty);
    own.impl("empty_strided", &empty_strided);
    own.impl("resize_", &resize_);
    own.impl("_copy_from", &copy_from);
    own.impl("_copy_from_and_resize", &copy_from_and_resize);
    own.impl("_local_scalar_dense", &local_scalar);
    own.impl("view", &view);
    own.impl("as_strided", &as_strided);
    own.impl("_reshape_alias", &reshape_alias);
}

// Mixed precision multiplies matrices in the narrow dtype, and sums in float32, as CUDA's list of operations says.
inline void add_autocast_fallback(torch::Library& all) { all.fallback(torch::CppFunction::makeFallthrough()); }
inline void add_autocast(torch::Library& m) {
    KERNEL_PRIVATEUSEONE(mm, lower_precision_fp)
    KERNEL_PRIVATEUSEONE(bmm, lower_precision_fp)
    KERNEL_PRIVATEUSEONE(addmm, lower_precision_fp)
    KERNEL_PRIVATEUSEONE(linear, lower_precision_fp)
    KERNEL_PRIVATEUSEONE(matmul, lower_precision_fp)
    KERNEL_PRIVATEUSEONE(scaled_dot_product_attention, lower_precision_fp)
    KERNEL_PRIVATEUSEONE(layer_norm, fp32)
}

inline torch::detail::TorchLibraryInit const registrations[] = {
    {torch::Library::IMPL, &add_fallback, "_", c10::DispatchKey::PrivateUse1, __FILE__, __LINE__},
    {torch::Library::IMPL, &add_own, "aten", c10::DispatchKey::PrivateUse1, __FILE__, __LINE__},
    {torch::Library::IMPL, &add_autocast_fallback, "_", c10::DispatchKey::AutocastPrivateUse1, __FILE__, __LINE__},
    {torch::Library::IMPL, &add_autocast, "aten", c10::DispatchKey::AutocastPrivateUse1, __FILE__, __LINE__},
};

/// What LibTorch asks of an accelerator as such.
struct hooks final : at::PrivateUse1HooksInterface {
    bool isBuilt() const override { return true; }
    bool isAvailable() const override { return true; }
    bool hasPrimaryContext(c10::DeviceIndex) const override { return true; }
    c10::DeviceIndex deviceCount() const override { return 1; }
    c10::DeviceIndex getCurrentDevice() const override { return 0; }
    at::Generator const& getDefaultGenerator(c10::DeviceIndex) const override {  // at::manual_seed seeds all there are
        static at::Generator const generator = at::detail::createCPUGenerator();
        return generator;
    }
    c10::Allocator* getPinnedMemoryAllocator() const override { return c10::GetAllocator(c10::kCPU); }
    bool isPinnedPtr(void const*) const override { return false; }
};

/// The device, "pretend:0".
inline at::Device device() {
    static bool const made = [] {
        static hooks the_hooks;
        c10::SetAllocator(c10::kPrivateUse1, &memory);
        c10::register_privateuse1_backend("pretend");
        at::RegisterPrivateUse1HooksInterface(&the_hooks);
        proximal::libtorch::other_step_graphs()[c10::kPrivateUse1] = [](at::Device) -> proximal::libtorch::step_graph* {
            return new recorded_graph;
        };
        return true;
    }();
    return made ? at::Device(c10::kPrivateUse1, 0) : at::kCPU;
}

}  // namespace support::pretend
