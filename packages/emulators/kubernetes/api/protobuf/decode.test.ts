import { describe, expect, test } from "vitest";
import { decodeProtobuf } from "./decode.ts";

/** What kubectl 1.32 sent for `create deployment web --image=nginx:1 --replicas=2 --port=80`. */
const DEPLOYMENT =
  "azhzAAoVCgdhcHBzL3YxEgpEZXBsb3ltZW50EroBCh8KA3dlYhIAGgAiACoAMgA4AEIAWgoKA2FwcBIDd2ViEogBCAISDAoKCgNhcHASA3dlYhpu" +
  "ChwKABIAGgAiACoAMgA4AEIAWgoKA2FwcBIDd2ViEk4SMAoFbmdpbngSB25naW54OjEqADIKCgAQABhQIgAqAEIAagByAIABAIgBAJABAKIBABoA" +
  "MgBCAEoAUgBYAGAAaACCAQCKAQCaAQDCAQAiAgoAKAA4ABoMCAAQABgAIAAoADgAGgAiAA==";
/** And for `create service nodeport web --tcp=80:8080 --node-port=30080`. */
const SERVICE =
  "azhzAAoNCgJ2MRIHU2VydmljZRJqCh8KA3dlYhIAGgAiACoAMgA4AEIAWgoKA2FwcBIDd2ViEkMKHQoHODAtODA4MBIDVENQGFAiBwgAEJA/GgAo" +
  "gOsBEgoKA2FwcBIDd2ViGgAiCE5vZGVQb3J0OgBCAFIAWgBgAGgAGgIKABoAIgA=";

const bytes = (text: string) => Buffer.from(text, "base64");

describe("the API's binary form", () => {
  test("of a deployment is read as its JSON, without the zero values that Go writes", () => {
    const labels = { app: "web" };
    const containers = [{ name: "nginx", image: "nginx:1", ports: [{ containerPort: 80 }] }];
    expect(decodeProtobuf(bytes(DEPLOYMENT))).toEqual({
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name: "web", labels },
      spec: {
        replicas: 2,
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: { containers } },
      },
    });
  });

  test("of a service is read with its ports, whether they are numbers or names", () => {
    expect(decodeProtobuf(bytes(SERVICE))).toMatchObject({
      kind: "Service",
      spec: {
        type: "NodePort",
        ports: [{ name: "80-8080", protocol: "TCP", port: 80, targetPort: 8080, nodePort: 30_080 }],
      },
    });
  });

  test("that is cut off, of an unknown kind, or no such form at all is refused", () => {
    expect(() => decodeProtobuf(bytes(SERVICE).subarray(0, 60))).toThrow("unexpected EOF");
    expect(() =>
      decodeProtobuf(Buffer.from(bytes(SERVICE).toString("latin1").replace("Service", "Servant"), "latin1")),
    ).toThrow('no kind "Servant" is registered for version "v1"');
    expect(() => decodeProtobuf(Buffer.from("{}"))).toThrow("does not appear to be a protobuf message");
  });
});
