/** Runs in the Orin twin: its devices bound, used and given back. orin-devices.test.ts judges it. */
import { answer, OTHER } from './holding.js';
import { makeCases } from './make-cases.js';
import { bindingCases } from './orin-binding-cases.js';
import { doctorCases } from './orin-doctor-cases.js';
import { hangCases, hangCasesBefore } from './orin-hang-cases.js';
import { hostState, putBackHost } from './orin-host.js';
import { pciCases } from './orin-pci-cases.js';
import { userCases } from './orin-user-cases.js';
import { vfioCases } from './orin-vfio-cases.js';

if (process.argv[2] === OTHER) answer();
else
  void makeCases(
    {
      ...bindingCases,
      ...doctorCases,
      ...hangCasesBefore,
      ...userCases,
      ...pciCases,
      ...vfioCases,
      ...hangCases,
    },
    { state: hostState, putBack: putBackHost },
  );
