# The target proximal::torch_cpu, or none where there is no LibTorch: included by the build and by the installed package.
# It looks in the folder PROXIMAL_LIBTORCH_DIR, then along CMAKE_PREFIX_PATH (a LibTorch folder, its share/cmake, or a
# Python site-packages), beside Torch_DIR, and in proximal_wheels, which the build sets.
#
# TorchConfig.cmake of a CUDA wheel demands a CUDA toolkit and a compiler for it, even to build for the CPU. Our code is
# host C++ only, so the libraries are named here: programs link libtorch_cpu, and load libtorch_cuda at run time when
# there is a GPU. They start faster, and build where no toolkit is.
if(TARGET proximal::torch_cpu)
    return()
endif()
set(PROXIMAL_LIBTORCH_DIR "" CACHE PATH "Folder of LibTorch; empty: it is looked for along CMAKE_PREFIX_PATH")
set(proximal_torch_hints "${PROXIMAL_LIBTORCH_DIR}")
string(REPLACE ":" ";" proximal_torch_prefixes "$ENV{CMAKE_PREFIX_PATH}")
foreach(prefix IN LISTS CMAKE_PREFIX_PATH proximal_torch_prefixes Torch_DIR)
    list(APPEND proximal_torch_hints "${prefix}" "${prefix}/torch" "${prefix}/../.." "${prefix}/../../..")
endforeach()
list(APPEND proximal_torch_hints ${proximal_wheels})

find_path(PROXIMAL_TORCH_INCLUDE ATen/ATen.h HINTS ${proximal_torch_hints} PATH_SUFFIXES include NO_DEFAULT_PATH)
find_library(PROXIMAL_TORCH_CPU torch_cpu HINTS ${proximal_torch_hints} PATH_SUFFIXES lib NO_DEFAULT_PATH)
find_library(PROXIMAL_TORCH_C10 c10 HINTS ${proximal_torch_hints} PATH_SUFFIXES lib NO_DEFAULT_PATH)
mark_as_advanced(PROXIMAL_TORCH_INCLUDE PROXIMAL_TORCH_CPU PROXIMAL_TORCH_C10)
if(NOT PROXIMAL_TORCH_INCLUDE OR NOT PROXIMAL_TORCH_CPU OR NOT PROXIMAL_TORCH_C10)
    return()
endif()
get_filename_component(proximal_torch_lib "${PROXIMAL_TORCH_CPU}" DIRECTORY)
message(STATUS "LibTorch: ${proximal_torch_lib}")

# Imported, so that an installed target may name it; global, so that a project which adds this one sees it.
add_library(proximal::torch_cpu INTERFACE IMPORTED GLOBAL)
target_include_directories(proximal::torch_cpu INTERFACE
    "${PROXIMAL_TORCH_INCLUDE}" "${PROXIMAL_TORCH_INCLUDE}/torch/csrc/api/include")
target_link_libraries(proximal::torch_cpu INTERFACE "${PROXIMAL_TORCH_CPU}" "${PROXIMAL_TORCH_C10}" ${CMAKE_DL_LIBS})
# What libtorch_cpu itself needs (CUDA's runtime in a CUDA wheel) it finds by its own rpath.
target_link_options(proximal::torch_cpu INTERFACE -Wl,--allow-shlib-undefined "-Wl,-rpath,${proximal_torch_lib}")
file(GLOB proximal_nvrtc "${proximal_torch_lib}/../../nvidia/*/lib/libnvrtc.so*")
foreach(library IN LISTS proximal_nvrtc)
    get_filename_component(directory "${library}" DIRECTORY)
    get_filename_component(directory "${directory}" ABSOLUTE)
    target_link_options(proximal::torch_cpu INTERFACE "-Wl,-rpath,${directory}")  # for the run-time compiler
    break()
endforeach()

# LibTorch's CUDA library, with the headers that its wheels bring, for what must link it: NCCL and CUDA graphs.
file(GLOB proximal_cuda_include "${proximal_torch_lib}/../../nvidia/cu*/include")
file(GLOB proximal_nccl_include "${proximal_torch_lib}/../../nvidia/nccl/include")
find_library(PROXIMAL_TORCH_CUDA torch_cuda HINTS ${proximal_torch_hints} PATH_SUFFIXES lib NO_DEFAULT_PATH)
# Those include crt/host_config.h and nv/target, which are in wheels of their own (nvidia-cuda-crt, nvidia-cuda-cccl) or in
# a CUDA toolkit.
find_path(PROXIMAL_CUDA_CRT crt/host_config.h HINTS ${proximal_cuda_include} PATHS /usr/local/cuda/include)
find_path(PROXIMAL_CUDA_CCCL nv/target HINTS ${proximal_cuda_include} PATHS /usr/local/cuda/include
    PATH_SUFFIXES . cccl)
mark_as_advanced(PROXIMAL_TORCH_CUDA PROXIMAL_CUDA_CRT PROXIMAL_CUDA_CCCL)
if(PROXIMAL_TORCH_CUDA AND proximal_cuda_include AND proximal_nccl_include AND PROXIMAL_CUDA_CRT AND PROXIMAL_CUDA_CCCL)
    add_library(proximal::torch_cuda INTERFACE IMPORTED GLOBAL)
    target_include_directories(proximal::torch_cuda INTERFACE
        ${proximal_cuda_include} ${proximal_nccl_include} "${PROXIMAL_CUDA_CRT}" "${PROXIMAL_CUDA_CCCL}")
    target_link_libraries(proximal::torch_cuda INTERFACE "${PROXIMAL_TORCH_CUDA}")
elseif(PROXIMAL_TORCH_CUDA)
    message(STATUS "NCCL and CUDA graphs are not built: headers of CUDA are missing "
        "(scripts/setup.sh installs them; or: pip install nvidia-cuda-crt nvidia-cuda-cccl)")
endif()
