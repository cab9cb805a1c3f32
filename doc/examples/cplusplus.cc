// cplusplus.cc -- the C interface from C++: handles that free themselves.
// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <fovea.h>
#include <memory>
#include <vector>

template <auto release> struct Free {
    template <class T> void operator()(T *p) const
    {
        release(p);
    }
};
using Net = std::unique_ptr<fv_net, Free<fv_net_free>>;
using Plan = std::unique_ptr<fv_plan, Free<fv_plan_free>>;

int main()
{
    fv_err err{};
    fv_net_opts opts{};
    opts.size = 64;
    opts.seed = 1;
    fv_net *raw_net = nullptr;
    if (fv_net_open(&raw_net, "shufflenet_v2_x0_5", &opts, nullptr, &err) != FV_OK) {
        std::fprintf(stderr, "cplusplus: %s\n", err.msg);
        return fv_status_exit(err.status);
    }
    const Net net(raw_net);
    fv_plan *raw_plan = nullptr;
    if (fv_plan_new(&raw_plan, net.get(), nullptr, &err) != FV_OK) {
        std::fprintf(stderr, "cplusplus: %s\n", err.msg);
        return fv_status_exit(err.status);
    }
    const Plan plan(raw_plan);
    fv_net_info info;
    fv_net_describe(net.get(), &info);
    std::vector<float> image(64 * 64 * 3, 0.5f), logits(info.classes);
    fv_run(plan.get(), 1, image.data(), logits.data());
    fv_top top[1];
    fv_topk(net.get(), logits.data(), 1, top);
    std::printf("%s: class %d, p %.4f\n", info.name, top[0].index, top[0].p);
}
