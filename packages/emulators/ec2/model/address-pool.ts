import { Ec2Error } from "./errors.ts";
import { type Address, type Cidr, cidrContains, cidrSize, formatAddress, parseAddress } from "./ip.ts";

/** EC2 keeps the first four addresses of a subnet and the last one. */
const RESERVED_FIRST = 4n;
const RESERVED = 5n;

/** The IPv4 addresses of a subnet: which interface has which. */
export class AddressPool {
  readonly #cidr: Cidr;
  readonly #owners = new Map<string, string>();

  constructor(cidr: Cidr) {
    this.#cidr = cidr;
  }

  /** How many addresses are free. */
  get free(): number {
    return Number(cidrSize(this.#cidr) - RESERVED) - this.#owners.size;
  }

  /** The interface that has this address. */
  ownerOf(address: string): string | undefined {
    return this.#owners.get(address);
  }

  /** Takes the address `wanted` for an interface; it must be of the subnet, not reserved, and free. */
  takeNamed(owner: string, wanted: string): string {
    const address = parseAddress(wanted);
    if (!address || !this.#usable(address)) {
      throw new Ec2Error("InvalidParameterValue", `Address ${wanted} does not fall within the subnet's address range`);
    }
    if (this.#owners.has(wanted)) throw new Ec2Error("InvalidIPAddress.InUse", `Address ${wanted} is in use.`);
    this.#owners.set(wanted, owner);
    return wanted;
  }

  /** Takes any `count` free addresses, all or none. `random` gives a number in [0, 1). */
  take(owner: string, count: number, random: () => number): string[] {
    if (this.free < count) {
      throw new Ec2Error(
        "InsufficientFreeAddressesInSubnet",
        "The specified subnet does not have enough free addresses to satisfy the request.",
      );
    }
    const usable = Number(cidrSize(this.#cidr) - RESERVED);
    const taken: string[] = [];
    for (let offset = Math.floor(random() * usable); taken.length < count; offset++) {
      const value = this.#cidr.base + RESERVED_FIRST + BigInt(offset % usable);
      const address = formatAddress({ family: 4, value });
      if (this.#owners.has(address)) continue;
      this.#owners.set(address, owner);
      taken.push(address);
    }
    return taken;
  }

  release(address: string): void {
    this.#owners.delete(address);
  }

  #usable(address: Address): boolean {
    const offset = address.value - this.#cidr.base;
    return cidrContains(this.#cidr, address) && offset >= RESERVED_FIRST && offset < cidrSize(this.#cidr) - 1n;
  }
}
