import { createContext, useContext } from 'solid-js';
import type { Router } from '../router.ts';
import type { Office } from '../sync/create-office.ts';

/** What every view inside the office may use. */
export interface OfficeContextValue {
  readonly office: Office;
  readonly router: Router;
  /** `ws(s)://host` */
  readonly socketOrigin: string;
  /** Says something to people who use a screen reader, politely. */
  readonly announce: (text: string) => void;
  readonly openSwitcher: () => void;
  readonly signOut: () => void;
}

export const OfficeContext = createContext<OfficeContextValue>();

export function useOffice(): OfficeContextValue {
  const value = useContext(OfficeContext);
  if (value === undefined) throw new Error('used outside the office');
  return value;
}
